package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.net.ssl.SSLContext;

/**
 * A push server with the JDK's HTTP server in a process of its own, because that one reads its time
 * limits once: here an embedder has set them to an hour.
 */
final class JdkFrontProcess implements AutoCloseable {
  private final Process process;
  final int endpointPort;

  private JdkFrontProcess(Process process, int endpointPort) {
    this.process = process;
    this.endpointPort = endpointPort;
  }

  /** Starts one. */
  static JdkFrontProcess start(Path keystore, boolean tls) throws IOException {
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Dsun.net.httpserver.maxReqTime=3600",
                    "-Dsun.net.httpserver.maxRspTime=3600",
                    "-cp",
                    System.getProperty("java.class.path"),
                    JdkFrontProcess.class.getName(),
                    keystore.toString(),
                    String.valueOf(tls)))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String port = process.inputReader().readLine();
    assertThat(port).as("port of the server").isNotNull();
    return new JdkFrontProcess(process, Integer.parseInt(port));
  }

  /** Runs until it is killed. */
  public static void main(String[] args) throws Exception {
    PushServer.Builder builder = TestServers.server();
    if (Boolean.parseBoolean(args[1])) {
      SSLContext tls = TlsWireTest.context(Path.of(args[0]));
      builder.tls(tls);
    }
    PushServer server = builder.build().start();
    System.out.println(server.endpointPort());
    System.out.flush();
    Thread.currentThread().join();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
