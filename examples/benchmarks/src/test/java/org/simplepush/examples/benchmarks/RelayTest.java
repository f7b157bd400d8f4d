package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The network that goes wrong on purpose, between two real sockets. */
@Timeout(60)
class RelayTest {
  /** Long enough to be sure that something does not come, as it takes microseconds. */
  private static final int SILENCE_MILLIS = 300;

  private static final int PATIENCE_MILLIS = 30_000;

  private ServerSocket server;
  private Relay relay;

  @BeforeEach
  void listen() throws Exception {
    server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    relay = new Relay(0, server.getLocalPort());
  }

  @AfterEach
  void close() throws Exception {
    relay.close();
    server.close();
  }

  /** Both ends of a connection through the relay. */
  private final class Ends implements AutoCloseable {
    final Socket client = new Socket(InetAddress.getLoopbackAddress(), relay.port());
    final Socket accepted = server.accept();

    Ends(String greeting) throws IOException {
      send(client, greeting);
      assertThat(read(accepted, greeting.length())).isEqualTo(greeting);
    }

    @Override
    public void close() throws IOException {
      client.close();
      accepted.close();
    }
  }

  private static void send(Socket from, String text) throws IOException {
    OutputStream out = from.getOutputStream();
    out.write(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static String read(Socket at, int length) throws IOException {
    at.setSoTimeout(PATIENCE_MILLIS);
    return new String(at.getInputStream().readNBytes(length), StandardCharsets.US_ASCII);
  }

  private static void assertSilent(Socket at) throws IOException {
    at.setSoTimeout(SILENCE_MILLIS);
    InputStream in = at.getInputStream();
    assertThatThrownBy(in::read).isInstanceOf(SocketTimeoutException.class);
  }

  @Test
  void everythingPassesBothWays() throws Exception {
    try (Ends ends = new Ends("PING")) {
      send(ends.accepted, "PONG");
      assertThat(read(ends.client, 4)).isEqualTo("PONG");
    }
  }

  @Test
  void onlyConnectionsThatWereChosenAreCut() throws Exception {
    try (Ends node = new Ends("HELLO 3");
        Ends replica = new Ends("REPLCONF")) {
      assertThat(relay.cut(Relay.Link::isOfNode)).isEqualTo(1);
      assertThat(read(node.client, 1)).as("the end").isEmpty();
      assertThat(read(node.accepted, 1)).as("the end").isEmpty();
      send(replica.client, "PSYNC");
      assertThat(read(replica.accepted, 5)).isEqualTo("PSYNC");
    }
  }

  @Test
  void whatWasStalledComesLate() throws Exception {
    try (Ends ends = new Ends("HELLO 3")) {
      Runnable release = relay.stall(link -> true, Relay.Hold.ANSWERS, false);
      send(ends.client, "GET");
      assertThat(read(ends.accepted, 3)).as("requests pass").isEqualTo("GET");
      send(ends.accepted, "answer");
      assertSilent(ends.client);
      try (Ends later = new Ends("HELLO 3")) {
        send(later.accepted, "new");
        assertThat(read(later.client, 3)).as("later connections are well").isEqualTo("new");
      }
      release.run();
      assertThat(read(ends.client, 6)).isEqualTo("answer");
    }
  }

  @Test
  void aStallCanHoldLaterConnectionsToo() throws Exception {
    Runnable release = relay.stall(link -> true, Relay.Hold.BOTH, true);
    try (Socket client = new Socket(InetAddress.getLoopbackAddress(), relay.port());
        Socket accepted = server.accept()) {
      send(client, "HELLO 3");
      assertSilent(accepted);
      release.run();
      assertThat(read(accepted, 7)).isEqualTo("HELLO 3");
    }
  }

  @Test
  void neitherSideLearnsOfABlackHole() throws Exception {
    try (Ends ends = new Ends("HELLO 3")) {
      relay.stall(link -> true, Relay.Hold.NOTHING, false).run();
      assertThat(relay.lose(link -> true)).isEqualTo(1);
      ends.client.close();
      assertSilent(ends.accepted);
      assertThat(relay.cut(link -> true)).as("no trouble finds it again").isZero();
    }
  }

  @Test
  void whoComesWhileTheServerIsDownIsSentAway() throws Exception {
    server.close();
    try (Socket client = new Socket(InetAddress.getLoopbackAddress(), relay.port())) {
      assertThat(read(client, 1)).as("the end").isEmpty();
    }
  }
}
