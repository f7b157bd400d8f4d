package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.server.fixtures.Certificates;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.TestServers;
import org.simplepush.server.fixtures.WireDevice;

/**
 * Clients whose name servers never answer, as strangers can have them: the server must not ask for
 * anybody's name. Names are read from a pipe into which nobody writes.
 */
@Tag("process")
@Timeout(60)
class SlowNamesWireTest {
  /** A server in a process of its own, until it is killed. */
  static final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
      PushServer server =
          TestServers.server()
              .tls(Certificates.context(Path.of(args[0])))
              .endpointServer(TestServers.ENDPOINT_SERVERS.get(Integer.parseInt(args[1])))
              .build()
              .start();
      System.out.println(server.port() + " " + server.endpointPort());
      System.out.flush();
      Thread.currentThread().join();
    }
  }

  private static void makePipe(Path file) throws IOException, InterruptedException {
    Process mkfifo = new ProcessBuilder("mkfifo", file.toString()).start();
    assertThat(mkfifo.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(mkfifo.exitValue()).isZero();
  }

  private static Process start(Path names, Path keystore, int front) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Djdk.net.hosts.file=" + names,
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            keystore.toString(),
            String.valueOf(front))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1}) // of the endpoint servers
  void nobodyWaitsForTheNameOfAClient(int front, @TempDir Path folder) throws Exception {
    assumeThat(Path.of("/usr/bin/mkfifo")).isExecutable();
    Path names = folder.resolve("hosts");
    Path keystore = folder.resolve("keystore.p12");
    SSLContext tls = Certificates.selfSigned(keystore);
    makePipe(names);
    Process process = start(names, keystore, front);
    try {
      String[] ports = process.inputReader().readLine().split(" ");
      int endpointPort = Integer.parseInt(ports[1]);
      try (RawHttp http = RawHttp.connectTls(endpointPort, tls)) {
        assertThat(http.exchange("PUT", "/update/x", "", "Content-Length: 0").status())
            .isEqualTo(404);
      }
      try (WireDevice device =
          new WireDevice(RawWebSocket.connectTls(Integer.parseInt(ports[0]), tls))) {
        device.hello("");
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
  }
}
