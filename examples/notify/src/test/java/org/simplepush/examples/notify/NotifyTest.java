package org.simplepush.examples.notify;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.simplepush.examples.cli.StatusLine;
import org.simplepush.server.testing.Answer;
import org.simplepush.server.testing.FakePushServer;
import picocli.CommandLine;

/** Against a real push server that goes wrong where the test wants it. */
@Timeout(60)
class NotifyTest {
  @RegisterExtension private final FakePushServer push = new FakePushServer();
  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter errors = new StringWriter();
  private final ByteArrayOutputStream terminal = new ByteArrayOutputStream();
  private InputStream standardInput = InputStream.nullInputStream();

  private int run(Object... arguments) {
    StatusLine line =
        new StatusLine(new PrintStream(terminal, true, StandardCharsets.UTF_8), () -> 80);
    CommandLine commandLine = Notify.commandLine(line, standardInput);
    commandLine.setOut(new PrintWriter(out, true));
    commandLine.setErr(new PrintWriter(errors, true));
    List<String> all = new ArrayList<>(List.of("--allow-host", "127.0.0.1"));
    for (Object argument : arguments) {
      all.add(argument.toString());
    }
    return commandLine.execute(all.toArray(String[]::new));
  }

  /** The table with its blanks made one. */
  private List<String> table() {
    return out.toString().lines().map(line -> line.replaceAll(" +", " ")).toList();
  }

  private static String lines(List<URI> endpoints) {
    return endpoints.stream().map(endpoint -> endpoint + "\n").collect(Collectors.joining());
  }

  @Test
  void versionArrivesAndNoEndpointIsPrinted() throws Exception {
    List<URI> endpoints = push.endpoints(3);
    int exit = run("--version", 7, endpoints.get(0), endpoints.get(1), endpoints.get(2));
    assertThat(exit).isZero();
    for (URI endpoint : endpoints) {
      assertThat(push.published(endpoint)).hasValue(7);
    }
    push.assertNothingMore();
    assertThat(table()).startsWith("verdict endpoints because", "accepted 3").hasSize(3);
    assertThat(table().get(2)).startsWith("total 3 in ");
    assertThat(out.toString() + errors + terminal).doesNotContain("/update/", "127.0.0.1");
  }

  @Test
  void withoutVersionTheServerPicks() throws Exception {
    List<URI> endpoints = push.endpoints(2);
    assertThat(run(endpoints.get(0), endpoints.get(1))).isZero();
    assertThat(push.published(endpoints.get(0))).isEmpty();
    assertThat(push.published(endpoints.get(1))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"--version=7", "--concurrency=64"}) // with a version, and without
  void everyVerdictIsCountedWithItsReason(String option) throws Exception {
    List<URI> endpoints = push.endpoints(4);
    push.answerAlways(endpoints.get(1), Answer.status(410));
    push.answerAlways(endpoints.get(2), Answer.status(403));
    push.answerAlways(endpoints.get(3), Answer.status(503));
    int exit =
        run(
            option,
            "--deadline=1",
            endpoints.get(0),
            endpoints.get(1),
            endpoints.get(2),
            endpoints.get(3),
            "https://10.0.0.1/update/x");
    assertThat(exit).isEqualTo(1);
    assertThat(table())
        .anyMatch(line -> line.equals("accepted 1"))
        .anyMatch(line -> line.startsWith("gone 1 HTTP 410"))
        .anyMatch(line -> line.startsWith("rejected 1 HTTP 403"))
        .anyMatch(line -> line.startsWith("refused 1 The host of an endpoint has public addresses"))
        .anyMatch(line -> line.startsWith("failed 1 "))
        .anyMatch(line -> line.startsWith("total 5 "));
  }

  @Test
  void versionLowerThanTheOneReachedIsAcceptedAndSaidToBeStale() throws Exception {
    List<URI> endpoints = push.endpoints(2);
    assertThat(run("--version", 8, endpoints.get(0))).isZero();
    out.getBuffer().setLength(0);
    assertThat(run("--verbose", "--version", 7, endpoints.get(0), endpoints.get(1))).isZero();
    assertThat(out.toString().lines())
        .contains("stale " + endpoints.get(0), "accepted " + endpoints.get(1));
    assertThat(table())
        .contains("accepted 1")
        .contains(
            "accepted 1 stale: somebody published a higher version; replace the endpoint if that"
                + " was not you.");
  }

  @Test
  void noneAcceptedIsSaidToo() throws Exception {
    assertThat(run("--version", 7, push.unknownEndpoint())).isEqualTo(1);
    assertThat(table().get(1)).isEqualTo("accepted 0");
    assertThat(table().get(2)).startsWith("gone 1 HTTP 404");
  }

  @Test
  void refusalIsObeyedAndTriedAgain() throws Exception {
    URI endpoint = push.endpoint();
    push.answerNext(Answer.status(429).retryAfter(Duration.ofSeconds(1)));
    assertThat(run("--version", 7, endpoint)).isZero();
    assertThat(push.requests(endpoint)).isEqualTo(2);
    assertThat(push.published(endpoint)).hasValue(7);
  }

  @Test
  void concurrencyOfOneAsksOneAfterTheOther() throws Exception {
    List<URI> endpoints = push.endpoints(50);
    Path file = Files.writeString(folder.resolve("endpoints.txt"), lines(endpoints));
    assertThat(run("--concurrency", 1, "--version", 7, "--file", file)).isZero();
    assertThat(table()).contains("accepted 50");
  }

  @Test
  void fileIsReadBesideTheArgumentsAndProgressIsShown() throws Exception {
    List<URI> endpoints = push.endpoints(500);
    String text = "# devices\n\n" + lines(endpoints.subList(1, 500)) + "no url\n";
    Path file = Files.writeString(folder.resolve("endpoints.txt"), text);
    assertThat(run("--version", 7, "--file", file, endpoints.get(0))).isEqualTo(1);
    assertThat(table()).contains("accepted 500", "refused 1 Not a URL.");
    for (URI endpoint : endpoints) {
      assertThat(push.published(endpoint)).hasValue(7);
    }
    assertThat(terminal.toString()).contains(" of 501").endsWith("\r\u001b[K");
  }

  @Test
  void dashIsStandardInput() throws Exception {
    List<URI> endpoints = push.endpoints(2);
    standardInput = new ByteArrayInputStream(lines(endpoints).getBytes(StandardCharsets.UTF_8));
    assertThat(run("--version", 7, "--file", "-")).isZero();
    assertThat(table()).contains("accepted 2");
    assertThat(terminal.toString()).contains(" done");
  }

  @Test
  void fileWithoutEndpointsIsAllAccepted() throws Exception {
    Path file = Files.writeString(folder.resolve("endpoints.txt"), "# nobody subscribed\n");
    assertThat(run("--version", 7, "--file", file)).isZero();
    assertThat(table()).contains("accepted 0");
  }

  @ParameterizedTest
  @CsvSource({"--version=7", "--concurrency=64"})
  void inputThatBreaksOffIsSaidAfterTheTable(String option) throws Exception {
    URI endpoint = push.endpoint();
    byte[] start = (endpoint + "\n").getBytes(StandardCharsets.UTF_8);
    standardInput =
        new InputStream() {
          private final InputStream line = new ByteArrayInputStream(start);

          @Override
          public int read() throws java.io.IOException {
            int next = line.read();
            if (next < 0) {
              throw new java.io.IOException("the pipe broke");
            }
            return next;
          }
        };
    assertThat(run(option, "--file", "-")).isEqualTo(1);
    assertThat(errors.toString()).contains("the pipe broke").hasLineCount(1);
    assertThat(push.requests(endpoint)).isLessThanOrEqualTo(1);
  }

  @Test
  void verboseNamesEveryEndpointWithItsVerdict() throws Exception {
    URI accepted = push.endpoint();
    URI gone = push.unknownEndpoint();
    assertThat(run("--verbose", "--version", 7, accepted, gone)).isEqualTo(1);
    assertThat(table()).contains("accepted " + accepted, "gone " + gone);
    assertThat(terminal.toString()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--version x https://a/ | --version",
        "--version -1 https://a/ | 0 to 2^63-1",
        "--version 9223372036854775808 https://a/ | --version",
        "--version 7 | Give endpoints",
        "--version 7 https://[a | ENDPOINT 1 is not a URL",
        "--version 7 --file none.txt | --file cannot be read",
        "--concurrency 0 https://a/ | --concurrency must be 1 to",
        "--deadline 0 https://a/ | deadline",
        "--allow-host http://a https://a/ | A host is",
        "--allow-port 0 https://a/ | port must be 1 to 65535",
        "--bogus https://a/ | --bogus",
      })
  void wrongOptionIsOneSentenceAndExitCode2(String options, String hint) {
    assertThat(run((Object[]) options.split(" "))).isEqualTo(2);
    assertThat(errors.toString().strip()).contains(hint).hasLineCount(1);
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void helpAndProgramVersionAreNotTheVersion() {
    assertThat(run("--help")).isZero();
    assertThat(out.toString()).contains("--version=N", "--program-version");
    assertThat(run("--program-version")).isZero();
    assertThat(out.toString()).contains("SimplePush notify");
  }
}
