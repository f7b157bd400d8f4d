package org.simplepush.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.appserver.Notifier;
import org.simplepush.client.ApplicationManifest;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushManager;
import org.simplepush.server.EndpointKeys;
import org.simplepush.server.PushServer;

/** An application that does not run is started as a program of its own. */
@Timeout(180)
class CommandLineLauncherTest {
  private final Notifier notifier = Notifier.builder().permitHost("127.0.0.1").build();
  private PushServer server;
  private ServerSocket programs;
  private PushClient device;

  /** The program: tells the test what it was started with, and ends as the test says. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) throws IOException {
      InetAddress here = InetAddress.getLoopbackAddress();
      try (Socket test = new Socket(here, Integer.parseInt(args[0]))) {
        new DataOutputStream(test.getOutputStream())
            .writeUTF(
                args[1] + " " + System.getenv("PUSH_VERSION") + System.getenv("PUSH_ENDPOINT"));
        System.exit(new DataInputStream(test.getInputStream()).readInt());
      }
    }
  }

  @BeforeEach
  void start() throws IOException {
    server =
        PushServer.builder().port(0).endpointPort(0).keys(EndpointKeys.ephemeral()).build().start();
    programs = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    programs.setSoTimeout(50_000);
    device =
        PushClient.builder(server.webSocketUri())
            .launcher(new CommandLineLauncher(Duration.ofSeconds(50)))
            .build()
            .start();
  }

  @AfterEach
  void stop() throws IOException {
    device.close();
    notifier.close();
    server.close();
    programs.close();
  }

  private void expect(String message, int exitCode) throws IOException {
    try (Socket program = programs.accept()) {
      assertThat(new DataInputStream(program.getInputStream()).readUTF()).isEqualTo(message);
      new DataOutputStream(program.getOutputStream()).writeInt(exitCode);
      assertThat(program.getInputStream().read()).as("the program has ended").isEqualTo(-1);
    }
  }

  @Test
  void programIsStartedForAVersionAndAgainIfItFails() throws Exception {
    PushManager calendar = device.application("calendar", message -> {});
    URI endpoint = calendar.register().get();
    calendar.detach();
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String classes = new File("target/test-classes").getAbsolutePath();
    String command =
        java + " -cp " + classes + " " + Program.class.getName() + " " + programs.getLocalPort();
    device.install("calendar", ApplicationManifest.of("Calendar", command)).get();
    notifier.publish(endpoint, 7);
    expect("push 7" + endpoint, 1);
    expect("push 7" + endpoint, 0);
    notifier.publish(endpoint, 8);
    expect("push 8" + endpoint, 0);
  }
}
