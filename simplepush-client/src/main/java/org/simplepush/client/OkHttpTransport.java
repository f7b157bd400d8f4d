package org.simplepush.client;

import java.net.URI;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okio.ByteString;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.CloseCode;
import org.simplepush.core.MessageCodec;

/** Connections over OkHttp's WebSocket. */
final class OkHttpTransport implements Transport {
  private final OkHttpClient client;

  OkHttpTransport(OkHttpClient client) {
    this.client = client;
  }

  @Override
  public Connection connect(URI target, Events events) {
    Request request =
        new Request.Builder()
            .url(target.toString())
            .header("Sec-WebSocket-Protocol", MessageCodec.SUBPROTOCOL)
            .build();
    return new OkHttpConnection(client.newWebSocket(request, new Listener(events)));
  }

  private record OkHttpConnection(WebSocket webSocket) implements Connection {
    @Override
    public boolean send(String text) {
      return webSocket.send(text);
    }

    @Override
    public void close(int code, String reason) {
      webSocket.close(code, reason);
    }

    @Override
    public void abort() {
      webSocket.cancel();
    }
  }

  /** Called by the thread that reads this WebSocket. */
  private static final class Listener extends WebSocketListener {
    private final Events events;
    private boolean ended;

    Listener(Events events) {
      this.events = events;
    }

    @Override
    public void onOpen(WebSocket webSocket, Response response) {
      events.opened();
    }

    @Override
    public void onMessage(WebSocket webSocket, String text) {
      events.received(text);
    }

    @Override
    public void onMessage(WebSocket webSocket, ByteString bytes) {
      events.receivedBinary();
    }

    /** The server's close frame: answered, and as good as the end. */
    @Override
    public void onClosing(WebSocket webSocket, int code, String reason) {
      webSocket.close(CloseCode.NORMAL.code(), null);
      end(code, reason);
    }

    @Override
    public void onClosed(WebSocket webSocket, int code, String reason) {
      end(code, reason);
    }

    @Override
    public void onFailure(WebSocket webSocket, Throwable t, @Nullable Response response) {
      String reason =
          response == null
              ? t.toString()
              : "the server answered the WebSocket handshake with HTTP " + response.code();
      end(Connector.NO_CLOSE_FRAME, reason);
    }

    private void end(int code, String reason) {
      synchronized (this) { // a failure to write is reported by another thread
        if (ended) {
          return;
        }
        ended = true;
      }
      events.ended(code, reason);
    }
  }
}
