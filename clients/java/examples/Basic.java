import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import io.tollgate.BlockedException;
import io.tollgate.Call;
import io.tollgate.Client;
import io.tollgate.GuardRequest;
import io.tollgate.Money;

/**
 * One LLM call behind Tollgate.
 *
 * <p>TOLLGATE_ADDRESS names the server; OPENAI_API_KEY and OPENAI_BASE_URL are those of the SDK.
 */
public final class Basic {
  public static void main(String[] arguments) {
    String question = "Why is the sky blue?";
    OpenAIClient llm = OpenAIOkHttpClient.fromEnv();
    GuardRequest request =
        GuardRequest.builder(arguments[0], "gpt-4.1")
            .prompt(question)
            .maxOutputTokens(500)
            .user("ada")
            .waitForRecord(true)
            .build();
    try (Client client = Client.builder().build();
        Call call = client.guard(request)) {
      ChatCompletion answer =
          call.run(
              inside -> {
                ChatCompletion completion =
                    llm.chat()
                        .completions()
                        .create(
                            ChatCompletionCreateParams.builder()
                                .model(inside.model())
                                .addUserMessage(question)
                                .maxCompletionTokens(500)
                                .build());
                inside.record(completion);
                return completion;
              });
      System.out.println(answer.choices().get(0).message().content().orElseThrow());
      Money cost = call.recorded().orElseThrow().cost();
      System.out.println(call.model() + " cost " + cost);
    } catch (BlockedException blocked) {
      System.out.println(blocked.getMessage());
    } finally {
      llm.close();
    }
  }
}
