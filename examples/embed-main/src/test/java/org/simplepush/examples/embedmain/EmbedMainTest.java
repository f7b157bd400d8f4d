package org.simplepush.examples.embedmain;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.client.PushClient;

/** The server as a program sees it that reaches it only through its module. */
@Timeout(180)
class EmbedMainTest {
  @TempDir private Path folder;

  @Test
  void servesDevicesFromTheModulePath() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--module-path",
                modulePath(),
                "--module",
                "org.simplepush.examples.embedmain/" + EmbedMain.class.getName(),
                "0",
                "0")
            .directory(folder.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader output = process.inputReader()) {
      String line = output.readLine();
      assertThat(line).startsWith("Devices connect to ws://");
      URI server = URI.create(line.substring(line.indexOf("ws://")));
      try (PushClient device = PushClient.builder(server).build().start()) {
        URI endpoint = device.application("calendar", message -> {}).register().get();
        assertThat(endpoint.getPath()).startsWith("/update/");
      }
    } finally {
      process.destroyForcibly();
    }
  }

  /**
   * What the main program needs, as folders of classes or as jars; the client and its libraries
   * belong to this test.
   */
  private static String modulePath() {
    Pattern needed =
        Pattern.compile(
            ".*/(embed-main|simplepush-core|simplepush-server)/target/(classes|[^/]*(?<!tests)\\.jar)"
                + "|.*/(jackson-core|jspecify|Java-WebSocket|siv-mode|slf4j-api)-[^/]*\\.jar");
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> needed.matcher(entry).matches())
        .collect(Collectors.joining(File.pathSeparator));
  }
}
