/**
 * What happens at a cap: a cheaper model answers, and without fallback nobody does.
 *
 * The workspace has a small cap on gpt-4.1, with gpt-4.1-mini behind it.
 */
import OpenAI from "openai";
import { Blocked, Client, wrap } from "tollgate-grpc";

const [workspace = "acme"] = process.argv.slice(2);

await using client = new Client();
const llm = wrap(new OpenAI(), { client, workspace });
for (const enabled of [true, false]) {
  await client.budget.setAutomaticFallback({ workspaceId: workspace, enabled });
  try {
    const answer = await llm.chat.completions.create({
      model: "gpt-4.1",
      messages: [{ role: "user", content: `Summarise ${"the report ".repeat(400)}` }],
      max_completion_tokens: 500,
    });
    console.log(`fallback ${String(enabled)}: answered by ${answer.model}`);
  } catch (error) {
    if (!(error instanceof Blocked)) {
      throw error;
    }
    console.log(`fallback ${String(enabled)}: ${error.message}`);
    console.log("retry after:", error.retryAfterMs);
  }
}
