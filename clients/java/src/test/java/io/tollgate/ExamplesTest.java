package io.tollgate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tollgate.support.FakeProvider;
import io.tollgate.support.Programs;
import io.tollgate.support.Server;
import io.tollgate.support.Workspace;
import io.tollgate.v1.Outcome;
import io.tollgate.v1.UsageRecord;
import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's example and the examples, as a new user runs them. */
class ExamplesTest {

  private static final String TEXT = String.join("", FakeProvider.WORDS);
  private static final String SERVER = "127.0.0.1:50051";
  private static final String CONNECT = "Client.connect(\"" + SERVER + "\")";
  private static final String DEFAULTS = "Client.builder().build()";

  /** Instead of the default deadlines, which a busy machine does not keep. */
  private static final String PATIENT =
      ".timeout(java.time.Duration.ofMinutes(1)).flushTimeout(java.time.Duration.ofMinutes(1))"
          + ".build()";

  @TempDir static Path folder;

  private static String classpath;
  private static FakeProvider provider;
  private static Client admin;
  private static Workspace readme;

  private Workspace workspace;

  @BeforeAll
  static void compileAll() throws IOException {
    provider = new FakeProvider();
    admin = Server.shared().client();
    readme = new Workspace(admin);
    List<Path> sources = new ArrayList<>();
    sources.add(Files.writeString(folder.resolve("Readme.java"), readmeExample()));
    try (Stream<Path> examples = Files.list(Path.of("examples"))) {
      for (Path example : examples.toList()) {
        String source = Files.readString(example);
        assertTrue(source.contains(DEFAULTS), source);
        String patient = source.replace(DEFAULTS, "Client.builder()" + PATIENT);
        sources.add(Files.writeString(folder.resolve(example.getFileName()), patient));
      }
    }
    String own = System.getProperty("java.class.path");
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter said = new StringWriter();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      List<String> options =
          List.of("-Xlint:all,-processing", "-Werror", "-cp", own, "-d", folder.toString());
      boolean compiled =
          compiler
              .getTask(said, files, null, options, null, files.getJavaFileObjectsFromPaths(sources))
              .call();
      assertTrue(compiled, said::toString);
    }
    classpath = folder + File.pathSeparator + own;
  }

  /** The first block of Java in the README, in the class that a user would put it. */
  private static String readmeExample() throws IOException {
    Matcher block =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("README.md")));
    assertTrue(block.find());
    String example = block.group(1);
    assertTrue(example.lines().filter(line -> !line.matches("\\s*}.*")).count() <= 10);
    assertTrue(example.contains("\"acme\"") && example.contains(CONNECT));
    String patient = "Client.builder().address(\"" + Server.shared().address() + "\")" + PATIENT;
    return """
        import com.openai.client.OpenAIClient;
        import com.openai.client.okhttp.OpenAIOkHttpClient;
        import com.openai.models.chat.completions.ChatCompletionCreateParams;
        import io.tollgate.*;

        public class Readme {
          public static void main(String[] arguments) {
        %s
            llm.close();
          }
        }
        """
        .formatted(
            example.replace("acme", readme.id()).replace(CONNECT, patient));
  }

  @AfterAll
  static void close() {
    admin.close();
    provider.close();
  }

  @BeforeEach
  void prepare() {
    workspace = new Workspace(admin);
  }

  @Test
  void theExampleOfTheReadme() throws Exception {
    assertEquals(TEXT + "\n", run("Readme"));
    UsageRecord record = readme.records(1).get(0);
    assertEquals("ada", record.getAttribution().getUserId());
    assertEquals("gpt-4.1-2025-04-14", record.getModelId());
    assertEquals(new BigDecimal("0.003"), readme.spent(), "600 of input, 400 cached, 200 output");
  }

  @Test
  void basic() throws Exception {
    assertEquals(TEXT + "\ngpt-4.1 cost 0.003 USD\n", run("Basic", workspace.id()));
  }

  @Test
  void streaming() throws Exception {
    String words = FakeProvider.WORDS.subList(0, 2).toString();
    assertEquals(TEXT + "\ncut after: " + words + "\n", run("Streaming", workspace.id()));
    List<UsageRecord> records = workspace.records(2);
    assertEquals(Outcome.OUTCOME_SUCCESS, records.get(0).getOutcome());
    assertEquals(50, records.get(0).getUsage().getReasoningTokenCount());
    assertEquals(Outcome.OUTCOME_CANCELLED, records.get(1).getOutcome());
    assertEquals(4, records.get(1).getUsage().getOutputTokenCount());
  }

  @Test
  void fallback() throws Exception {
    workspace.cap("gpt-4.1", "0.001", "gpt-4.1-mini");
    List<String> lines = run("Fallback", workspace.id()).lines().toList();
    assertEquals("fallback true: answered by gpt-4.1-mini-2025-04-14", lines.get(0));
    String blocked = "fallback false: blocked: model limit of model gpt-4.1: ";
    assertTrue(lines.get(1).startsWith(blocked), lines.get(1));
    assertEquals("retry after: Optional.empty", lines.get(2));
  }

  @Test
  void administration() throws Exception {
    List<String> lines = run("Admin", Workspace.newId()).lines().toList();
    assertTrue(lines.get(0).startsWith("spent 0"), lines.get(0));
    String last = lines.get(lines.size() - 1);
    assertTrue(last.startsWith("spent 0.0028 USD, held 0"), last);
  }

  private static String run(String main, String... arguments) throws Exception {
    Map<String, String> environment =
        Map.of(
            "TOLLGATE_ADDRESS",
            Server.shared().address(),
            "OPENAI_API_KEY",
            "k",
            "OPENAI_BASE_URL",
            provider.url());
    Programs.Result result = Programs.run(environment, classpath, main, arguments);
    assertEquals("", result.errors());
    assertEquals(0, result.status());
    return result.output();
  }
}
