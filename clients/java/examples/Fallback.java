import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import io.tollgate.BlockedException;
import io.tollgate.Client;
import io.tollgate.GuardRequest;
import io.tollgate.v1.SetAutomaticFallbackRequest;

/**
 * What happens at a cap: a cheaper model answers, and without fallback nobody does.
 *
 * <p>The workspace has a small cap on gpt-4.1, with gpt-4.1-mini behind it.
 */
public final class Fallback {
  public static void main(String[] arguments) {
    String text = "Summarise " + "the report ".repeat(400);
    OpenAIClient llm = OpenAIOkHttpClient.fromEnv();
    GuardRequest request =
        GuardRequest.builder(arguments[0], "gpt-4.1").prompt(text).maxOutputTokens(500).build();
    try (Client client = Client.builder().build()) {
      for (boolean enabled : new boolean[] {true, false}) {
        client
            .budget()
            .setAutomaticFallback(
                SetAutomaticFallbackRequest.newBuilder()
                    .setWorkspaceId(arguments[0])
                    .setEnabled(enabled)
                    .build());
        try {
          String model =
              client.guard(
                  request,
                  call -> {
                    ChatCompletion answer =
                        llm.chat()
                            .completions()
                            .create(
                                ChatCompletionCreateParams.builder()
                                    .model(call.model())
                                    .addUserMessage(text)
                                    .maxCompletionTokens(500)
                                    .build());
                    call.record(answer);
                    return answer.model();
                  });
          System.out.println("fallback " + enabled + ": answered by " + model);
        } catch (BlockedException blocked) {
          System.out.println("fallback " + enabled + ": " + blocked.getMessage());
          System.out.println("retry after: " + blocked.retryAfter());
        }
      }
    } finally {
      llm.close();
    }
  }
}
