import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import io.tollgate.Call;
import io.tollgate.Client;
import io.tollgate.GuardRequest;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * A stream behind Tollgate, first to its end. The second one is cut after two words: what had come
 * by then is recorded as cancelled.
 */
public final class Streaming {
  private static final String WISH = "Tell a story";

  public static void main(String[] arguments) {
    OpenAIClient llm = OpenAIOkHttpClient.fromEnv();
    GuardRequest request =
        GuardRequest.builder(arguments[0], "gpt-4.1").prompt(WISH).user("ada").build();
    try (Client client = Client.builder().build()) {
      List<String> story = client.guard(request, call -> words(llm, call, Integer.MAX_VALUE));
      System.out.println(String.join("", story));

      List<String> heard = new ArrayList<>();
      try {
        client.guard(
            request,
            call -> {
              heard.addAll(words(llm, call, 2));
              throw new CancellationException("enough");
            });
      } catch (CancellationException enough) {
        System.out.println("cut after: " + heard);
      }
    } finally {
      llm.close();
    }
  }

  /** Gives the words of the stream, at most so many, and tells the call of every chunk. */
  private static List<String> words(OpenAIClient llm, Call call, int count) {
    ChatCompletionCreateParams question =
        ChatCompletionCreateParams.builder()
            .model(call.model())
            .addUserMessage(WISH)
            .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
            .build();
    List<String> words = new ArrayList<>();
    try (StreamResponse<ChatCompletionChunk> stream =
        llm.chat().completions().createStreaming(question)) {
      for (Iterator<ChatCompletionChunk> chunks = stream.stream().iterator();
          words.size() < count && chunks.hasNext(); ) {
        ChatCompletionChunk chunk = chunks.next();
        call.record(chunk);
        chunk.choices().stream()
            .flatMap(choice -> choice.delta().content().stream())
            .forEach(
                word -> {
                  call.appendOutput(word);
                  words.add(word);
                });
      }
    }
    return words;
  }
}
