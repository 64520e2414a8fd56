/**
 * One LLM call behind Tollgate.
 *
 * TOLLGATE_ADDRESS names the server; OPENAI_API_KEY and OPENAI_BASE_URL are those of the SDK.
 */
import OpenAI from "openai";
import { Blocked, Client } from "tollgate-grpc";

const [workspace = "acme"] = process.argv.slice(2);
const question = "Why is the sky blue?";
const llm = new OpenAI();

await using client = new Client();
try {
  const options = { model: "gpt-4.1", prompt: question, maxOutputTokens: 500, user: "ada" };
  const call = await client.guard({ workspace, ...options, wait: true }, async (call) => {
    const answer = await llm.chat.completions.create({
      model: call.model,
      messages: [{ role: "user", content: question }],
      max_completion_tokens: 500,
    });
    call.record(answer);
    console.log(answer.choices[0]?.message.content);
    return call;
  });
  console.log(`${call.model} cost ${String(call.recorded?.cost)}`);
} catch (error) {
  if (!(error instanceof Blocked)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = 1;
}
