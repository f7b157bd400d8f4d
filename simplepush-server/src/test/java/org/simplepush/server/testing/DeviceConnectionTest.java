package org.simplepush.server.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;

/** The side for devices, with a WebSocket client that knows nothing of us. */
@Timeout(60)
class DeviceConnectionTest {
  private static final String PING = "{}";

  @RegisterExtension final FakePushServer push = new FakePushServer();

  private final HttpClient http = HttpClient.newHttpClient();
  private final MessageCodec codec = new MessageCodec();
  private final ChannelId channelId = ChannelId.random();

  /** Notes what it hears: texts, at last "closed" and the code, or "failed". */
  private final class Device implements WebSocket.Listener {
    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    private final WebSocket socket;

    Device() {
      socket =
          http.newWebSocketBuilder()
              .subprotocols(MessageCodec.SUBPROTOCOL)
              .buildAsync(push.webSocketUri(), this)
              .join();
    }

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence text, boolean last) {
      heard.add(text.toString());
      from.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
      heard.add("closed " + code);
      return null;
    }

    @Override
    public void onError(WebSocket from, Throwable failure) {
      heard.add("failed");
    }

    Device says(ClientMessage message) {
      socket.sendText(codec.write(message), true).join();
      return this;
    }

    String next() throws InterruptedException {
      return heard.poll(20, TimeUnit.SECONDS);
    }

    <T extends ServerMessage> T next(Class<T> type) throws Exception {
      return type.cast(codec.readServerMessage(next()));
    }

    URI registers() throws Exception {
      says(new ClientMessage.Register(channelId));
      return next(ServerMessage.Register.class).endpoint();
    }
  }

  private Device greeted() throws Exception {
    Device device = new Device().says(new ClientMessage.Hello(null, List.of()));
    device.next(ServerMessage.Hello.class);
    return device;
  }

  @Test
  void realServerSpeaksAndTheTestListens() throws Exception {
    Device device = greeted();
    URI endpoint = device.registers();
    DeviceConnection connection = push.accept();
    assertThat(connection.received(ClientMessage.Hello.class).channelIds()).isEmpty();
    assertThat(connection.received(ClientMessage.Register.class).channelId()).isEqualTo(channelId);

    assertThat(push.publish(endpoint, 7)).isEqualTo(200);
    Update seven = new Update(channelId, 7);
    assertThat(device.next(ServerMessage.Notification.class).updates()).containsExactly(seven);
    device.says(new ClientMessage.Ack(List.of(seven)));
    assertThat(connection.received(ClientMessage.Ack.class).updates()).containsExactly(seven);
    push.assertNothingMore(); // the test's own
  }

  @Test
  void longMessagesPassInBothDirections() throws Exception {
    Device device = greeted();
    List<ChannelId> many = java.util.stream.Stream.generate(ChannelId::random).limit(900).toList();
    device.says(new ClientMessage.Ack(many.stream().map(id -> new Update(id, 1)).toList()));
    DeviceConnection connection = push.accept();
    assertThat(connection.received(ClientMessage.Ack.class).updates()).hasSize(900);
    for (int length : new int[] {125, 126, 65_535, 65_536, 100_000}) {
      connection.send("x".repeat(length));
      StringBuilder text = new StringBuilder();
      while (text.length() < length) {
        text.append(device.next());
      }
      assertThat(text).hasSize(length);
    }
  }

  @Test
  void refusedRegisterHasNoEffectAndIsAnswered() throws Exception {
    Device device = greeted();
    push.refuseNext(ClientMessage.Type.REGISTER, 503);
    device.says(new ClientMessage.Register(channelId));
    ServerMessage.Failure failure = device.next(ServerMessage.Failure.class);
    assertThat(failure.status()).isEqualTo(503);
    assertThat(failure.messageType()).isEqualTo("register");
    assertThat(failure.channelId()).isEqualTo(channelId.text());
    device.registers(); // and now it works
    DeviceConnection connection = push.accept();
    connection.received(ClientMessage.Register.class);
    connection.received(ClientMessage.Register.class);
  }

  @Test
  void ignoredRequestGetsNoAnswer() throws Exception {
    Device device = greeted();
    push.ignoreNext(ClientMessage.Type.REGISTER);
    device.says(new ClientMessage.Register(channelId));
    device.says(new ClientMessage.Ping());
    assertThat(device.next()).isEqualTo(PING);
  }

  @Test
  void ignoredHelloIsAConnectionToo() throws Exception {
    push.ignoreNext(ClientMessage.Type.HELLO);
    Device device = new Device().says(new ClientMessage.Hello(null, List.of()));
    push.accept().drop();
    assertThat(device.next()).isEqualTo("failed");
  }

  @Test
  void droppedConnectionHasNoCloseFrame() throws Exception {
    Device device = greeted();
    DeviceConnection connection = push.accept();
    connection.drop();
    assertThat(device.next()).isEqualTo("failed");
    assertThat(connection.awaitEnd()).isEqualTo(1006);
    assertThatThrownBy(() -> connection.received(ClientMessage.Ack.class))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("1006");
    assertThatThrownBy(() -> connection.send(PING)).isInstanceOf(java.io.IOException.class);
  }

  @Test
  void closeCarriesItsCodeAndIsEchoed() throws Exception {
    Device device = greeted();
    DeviceConnection connection = push.accept();
    connection.close(1013);
    assertThat(device.next()).isEqualTo("closed 1013");
    assertThat(connection.awaitEnd()).isEqualTo(1013);
  }

  @Test
  void deviceThatLeavesTellsWhy() throws Exception {
    Device device = greeted();
    DeviceConnection connection = push.accept();
    device.socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
    assertThat(device.next()).startsWith("closed");
    assertThat(connection.awaitEnd()).isEqualTo(1000);
  }

  @Test
  void stalledConnectionHoldsBackAndResumes() throws Exception {
    Device device = greeted();
    URI endpoint = device.registers();
    DeviceConnection connection = push.accept();
    connection.stall();
    push.publish(endpoint, 7);
    device.says(new ClientMessage.Ping());
    connection.send("first");
    assertThat(device.next()).isEqualTo("first");
    connection.resume();
    assertThat(List.of(device.next(), device.next()))
        .anyMatch(text -> text.equals(PING))
        .anyMatch(text -> text.contains("\"version\":7"));
  }

  @Test
  void testMaySendMessagesOfItsOwnAndGarbage() throws Exception {
    Device device = greeted();
    DeviceConnection connection = push.accept();
    ServerMessage.Notification notification =
        new ServerMessage.Notification(List.of(new Update(channelId, 9)));
    connection.send(notification);
    assertThat(device.next(ServerMessage.Notification.class)).isEqualTo(notification);
    connection.send("no JSON");
    assertThat(device.next()).isEqualTo("no JSON");
    connection.sendGarbage();
    assertThat(device.next()).isEqualTo("failed");
  }

  @Test
  void lostStateIsAFreshUaid() throws Exception {
    Device device = new Device().says(new ClientMessage.Hello(null, List.of()));
    Uaid uaid = device.next(ServerMessage.Hello.class).uaid();
    URI endpoint = device.registers();
    push.loseState();
    assertThat(device.next()).isEqualTo("closed 1001");
    assertThat(push.publish(endpoint, 1)).isEqualTo(410);
    Device again = new Device().says(new ClientMessage.Hello(uaid, List.of(channelId)));
    assertThat(again.next(ServerMessage.Hello.class).uaid()).isNotEqualTo(uaid);
  }

  @Test
  void refusedConnectionsDoNotOpen() {
    push.refuseConnections(503);
    assertThatThrownBy(Device::new).hasCauseInstanceOf(WebSocketHandshakeException.class);
    push.acceptConnections();
    new Device();
  }

  @Test
  void messageThatDoesNotComeIsAnAssertionError() throws Exception {
    try (FakePushServer impatient = new FakePushServer().patience(Duration.ofMillis(50)).start()) {
      http.newWebSocketBuilder()
          .buildAsync(impatient.webSocketUri(), new WebSocket.Listener() {})
          .join()
          .sendText("{\"messageType\":\"hello\"}", true)
          .join();
      AtomicReference<DeviceConnection> accepted = new AtomicReference<>();
      await().atMost(20, TimeUnit.SECONDS).untilAsserted(() -> accepted.set(impatient.accept()));
      DeviceConnection connection = accepted.get();
      assertThatThrownBy(() -> connection.received(ClientMessage.Ack.class))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("Ack");
      assertThatThrownBy(connection::awaitEnd).isInstanceOf(AssertionError.class);
    }
  }
}
