package io.tollgate.support;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A fake of OpenAI's chat completions, with usage in the shape that is documented. */
public final class FakeProvider implements AutoCloseable {

  public static final List<String> WORDS = List.of("Tollgate ", "keeps ", "spend ", "inside.");
  private static final String USAGE =
      """
      {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200,
       "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 0},
       "completion_tokens_details": {"reasoning_tokens": 50, "audio_tokens": 0}}""";

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  public FakeProvider() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/v1/chat/completions", this::answer);
    server.setExecutor(threads);
    server.start();
  }

  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    JsonObject asked = JsonParser.parseString(body).getAsJsonObject();
    boolean stream = asked.has("stream") && asked.get("stream").getAsBoolean();
    String type = stream ? "text/event-stream" : "application/json";
    exchange.getResponseHeaders().set("content-type", type);
    exchange.sendResponseHeaders(200, 0);
    String head =
        """
        {"id": "c", "created": 1, "model": "%s-2025-04-14", "service_tier": "default",
         "object": "chat.completion%s", "choices": [%s], "usage": %s}""";
    String model = asked.get("model").getAsString();
    try (OutputStream out = exchange.getResponseBody()) {
      if (!stream) {
        String choice =
            """
            {"index": 0, "finish_reason": "stop", "logprobs": null, "message":
             {"role": "assistant", "content": "%s", "refusal": null}}"""
                .formatted(String.join("", WORDS));
        write(out, head.formatted(model, "", choice, USAGE));
        return;
      }
      for (String word : WORDS) {
        String choice =
            """
            {"index": 0, "finish_reason": null, "delta": {"role": "assistant", "content": "%s"}}"""
                .formatted(word);
        event(out, head.formatted(model, ".chunk", choice, "null"));
      }
      event(out, head.formatted(model, ".chunk", "", USAGE));
      write(out, "data: [DONE]\n\n");
    }
  }

  private static void event(OutputStream out, String json) throws IOException {
    write(out, "data: " + json.replace("\n", " ") + "\n\n");
  }

  private static void write(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.UTF_8));
    out.flush();
  }
}
