package org.simplepush.examples.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.server.PushServer;

/** The line on a terminal that is kept up to date. */
@Timeout(180)
class ProgressTest {
  /** Opens a pseudo-terminal for what it runs. */
  private static final Path SCRIPT = Path.of("/usr/bin/script");

  private static final Pattern UPDATE = Pattern.compile("\r([^\r\033]*)\033\\[K");

  /** Returns what the emulator writes to a terminal, byte for byte. */
  private static String onTerminal(String prepare, PushServer server) throws Exception {
    assumeTrue(Files.isExecutable(SCRIPT), "a program that makes terminals");
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String command =
        prepare
            + "; exec "
            + java
            + " -Xmx128m "
            + DeviceEmulator.class.getName()
            + " --server "
            + server.webSocketUri()
            + " --devices 3 --publish 20 --duration 3s";
    ProcessBuilder builder =
        new ProcessBuilder(SCRIPT.toString(), "-qec", command, "/dev/null")
            .redirectErrorStream(true);
    builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    builder.environment().remove("COLUMNS");
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(40, TimeUnit.SECONDS)).isTrue();
    assertThat(output).contains("All is well.");
    return output;
  }

  private static List<String> updates(String output) {
    return UPDATE
        .matcher(output)
        .results()
        .map(update -> update.group(1))
        .filter(line -> !line.isEmpty())
        .toList();
  }

  @Test
  void lineIsCutToTheWidthOfTheTerminal() throws Exception {
    try (PushServer server = PushServer.builder().port(0).endpointPort(0).build().start()) {
      List<String> updates = updates(onTerminal("stty cols 30", server));
      assertThat(updates).isNotEmpty().allMatch(line -> line.length() == 29);
    }
  }

  @Test
  void columnsOfTheEnvironmentCount() throws Exception {
    try (PushServer server = PushServer.builder().port(0).endpointPort(0).build().start()) {
      String output = onTerminal("stty cols 30; export COLUMNS=50", server);
      assertThat(updates(output)).isNotEmpty().allMatch(line -> line.length() == 49);
      assertThat(output.lines().filter(line -> line.contains("device-1 app-1")))
          .as("other lines have a line of their own")
          .singleElement()
          .asString()
          .matches("(.*\033\\[K)?device-1 app-1 http\\S+");
    }
  }
}
