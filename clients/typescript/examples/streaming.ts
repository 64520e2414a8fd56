/**
 * A stream behind Tollgate: with a wrapped SDK client, and with the guard itself.
 *
 * The second one is cut after two words: what had come by then is recorded as cancelled.
 */
import OpenAI from "openai";
import { Client, wrap } from "tollgate-grpc";

const [workspace = "acme"] = process.argv.slice(2);
const llm = new OpenAI();
const ask = {
  messages: [{ role: "user" as const, content: "Tell a story" }],
  stream: true as const,
};

await using client = new Client();
const wrapped = wrap(llm, { client, workspace, user: "ada" });
for await (const chunk of await wrapped.chat.completions.create({ model: "gpt-4.1", ...ask })) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? "");
}
process.stdout.write("\n");
await client.flush();

const heard: string[] = [];
const giveUp = new AbortController();
const { signal } = giveUp;
const options = { workspace, model: "gpt-4.1", messages: ask.messages, user: "ada", signal };
await client.guard(options, async (call) => {
  const body = { ...ask, model: call.model, stream_options: { include_usage: true } };
  for await (const chunk of await llm.chat.completions.create(body, { signal })) {
    call.record(chunk);
    const word = chunk.choices[0]?.delta.content ?? "";
    call.outputText += word;
    heard.push(word);
    if (heard.length === 2) {
      giveUp.abort();
      break;
    }
  }
});
console.log("cut after:", heard.join(""));
