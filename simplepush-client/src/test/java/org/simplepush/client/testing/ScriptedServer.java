package org.simplepush.client.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ServerSocketFactory;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okio.ByteString;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.MessageCodec;

/** A push server over real sockets that says what the test says. */
public final class ScriptedServer implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 20;

  private final MockWebServer server = new MockWebServer();
  private final BlockingQueue<Peer> peers = new LinkedBlockingQueue<>();
  private volatile Supplier<MockResponse> answer = this::upgrade;

  /** Every TCP connection accepted. */
  private final Queue<Socket> sockets = new ConcurrentLinkedQueue<>();

  public ScriptedServer() throws IOException {
    server.setServerSocketFactory(
        new ServerSocketFactory() {
          @Override
          public ServerSocket createServerSocket() throws IOException {
            return new ServerSocket() {
              @Override
              public Socket accept() throws IOException {
                Socket socket = super.accept();
                sockets.add(socket);
                return socket;
              }
            };
          }

          @Override
          public ServerSocket createServerSocket(int port) {
            throw new UnsupportedOperationException();
          }

          @Override
          public ServerSocket createServerSocket(int port, int backlog) {
            throw new UnsupportedOperationException();
          }

          @Override
          public ServerSocket createServerSocket(int port, int backlog, InetAddress address) {
            throw new UnsupportedOperationException();
          }
        });
    server.setDispatcher(
        new Dispatcher() {
          @Override
          public MockResponse dispatch(RecordedRequest request) {
            return answer.get();
          }
        });
    server.start();
  }

  private MockResponse upgrade() {
    return upgrade(MessageCodec.SUBPROTOCOL);
  }

  private MockResponse upgrade(String subprotocol) {
    return new MockResponse.Builder()
        .addHeader("Sec-WebSocket-Protocol", subprotocol)
        .webSocketUpgrade(new Peer())
        .build();
  }

  /** From now on the WebSocket handshake gets this answer. */
  public void answerHandshake(MockResponse response) {
    answer = () -> response;
  }

  /** From now on this subprotocol is chosen, offered or not. */
  public void answerWithSubprotocol(String subprotocol) {
    answer = () -> upgrade(subprotocol);
  }

  public void answerHandshakeAgain() {
    answer = this::upgrade;
  }

  /** Ends every TCP connection without a close frame. */
  public void cut() throws IOException {
    List<Socket> open = List.copyOf(sockets); // and none that comes while we are cutting
    sockets.removeAll(open);
    for (Socket socket : open) {
      socket.setSoLinger(true, 0); // a reset
      socket.close();
    }
  }

  public URI uri() {
    return URI.create("ws://127.0.0.1:" + server.getPort() + "/push");
  }

  public RecordedRequest takeRequest() throws InterruptedException {
    RecordedRequest request = server.takeRequest(PATIENCE_SECONDS, TimeUnit.SECONDS);
    assertThat(request).as("a request").isNotNull();
    return request;
  }

  /** Returns the next device's connection. */
  public Peer accept() throws InterruptedException {
    Peer peer = peers.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    assertThat(peer).as("a connection of the device").isNotNull();
    return peer;
  }

  /** Returns the next device's connection, after its hello was answered. */
  public Peer greet(String uaid) throws Exception {
    Peer peer = accept();
    peer.next(ClientMessage.Hello.class);
    peer.says("{'messageType':'hello','uaid':'" + uaid + "','status':200}");
    return peer;
  }

  @Override
  public void close() {
    server.close();
  }

  public final class Peer extends WebSocketListener {
    private final MessageCodec codec = new MessageCodec(1 << 20);
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();
    private volatile WebSocket webSocket;

    @Override
    public void onOpen(WebSocket opened, Response response) {
      webSocket = opened;
      peers.add(this);
    }

    @Override
    public void onMessage(WebSocket from, String text) {
      events.add(text);
    }

    @Override
    public void onClosing(WebSocket from, int code, String reason) {
      events.add(code);
      from.close(1000, null);
    }

    @Override
    public void onFailure(WebSocket from, Throwable t, Response response) {
      events.add(t);
    }

    public void says(String json) {
      assertThat(webSocket.send(json.replace('\'', '"'))).isTrue();
    }

    public void saysBinary() {
      assertThat(webSocket.send(ByteString.encodeUtf8("{}"))).isTrue();
    }

    public void closes(int code) {
      webSocket.close(code, null);
    }

    private Object event() throws InterruptedException {
      Object event = events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
      assertThat(event).as("something from the device").isNotNull();
      return event;
    }

    public <T extends ClientMessage> T next(Class<T> type) throws Exception {
      Object event = event();
      assertThat(event).isInstanceOf(String.class);
      ClientMessage message = codec.readClientMessage((String) event);
      assertThat(message).isInstanceOf(type);
      return type.cast(message);
    }

    public void assertClosedWith(int code) throws InterruptedException {
      assertThat(event()).isEqualTo(code);
    }

    public void assertCut() throws InterruptedException {
      assertThat(event()).isInstanceOf(IOException.class);
    }
  }
}
