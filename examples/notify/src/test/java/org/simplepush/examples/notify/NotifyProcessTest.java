package org.simplepush.examples.notify;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.server.testing.Answer;
import org.simplepush.server.testing.FakePushServer;

/** The program as scripts run it: a process with an exit code. */
@Timeout(180)
class NotifyProcessTest {
  @RegisterExtension private final FakePushServer push = new FakePushServer();
  @TempDir private Path folder;

  private int run(String input, Object... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Notify.class.getName());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    File stdin = Files.writeString(folder.resolve("stdin"), input).toFile();
    Process process =
        new ProcessBuilder(command)
            .redirectInput(stdin)
            .redirectOutput(folder.resolve("stdout").toFile())
            .redirectError(folder.resolve("stderr").toFile())
            .start();
    assertThat(process.waitFor(50, TimeUnit.SECONDS)).as("the process ends").isTrue();
    return process.exitValue();
  }

  private String printed(String stream) throws IOException {
    return Files.readString(folder.resolve(stream));
  }

  @Test
  void exitCodeTellsWhetherAllWereAccepted() throws Exception {
    URI endpoint = push.endpoint();
    URI other = push.endpoint();
    String both = endpoint + "\n" + other + "\n";
    Object[] arguments = {"--allow-host", "127.0.0.1", "--version", 7, "--file", "-"};
    assertThat(run(both, arguments)).as(printed("stderr")).isZero();
    assertThat(push.published(endpoint)).hasValue(7);
    assertThat(push.published(other)).hasValue(7);
    assertThat(printed("stdout")).contains("accepted").doesNotContain("/update/");
    assertThat(printed("stderr")).as("no progress without a terminal").isEmpty();

    push.answerAlways(other, Answer.status(410));
    assertThat(run(both, arguments)).isEqualTo(1);
    assertThat(printed("stdout")).contains("gone");
  }

  @Test
  void withoutAllowHostThisMachineIsOutOfBounds() throws Exception {
    URI endpoint = push.endpoint();
    assertThat(run("", "--version", 7, endpoint)).isEqualTo(1);
    assertThat(printed("stdout")).contains("refused");
    assertThat(push.requests(endpoint)).isZero();
  }

  @Test
  void wrongUsageIsExitCode2() throws Exception {
    assertThat(run("", "--version")).isEqualTo(2);
    assertThat(printed("stderr")).contains("--version").hasLineCount(1);
  }
}
