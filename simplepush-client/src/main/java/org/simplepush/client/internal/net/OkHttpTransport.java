package org.simplepush.client.internal.net;

import java.net.URI;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okio.ByteString;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.Quote;
import org.simplepush.client.internal.connection.Transport;
import org.simplepush.core.CloseCode;
import org.simplepush.core.MessageCodec;

/** Connections over OkHttp's WebSocket. */
public final class OkHttpTransport implements Transport {
  private static final String SUBPROTOCOL_HEADER = "Sec-WebSocket-Protocol";

  /**
   * How many bytes may wait until the server reads them: more than registers of 20,000 channels.
   */
  private static final int MAX_UNSENT = 2 * 1024 * 1024;

  private final OkHttpClient client;

  /**
   * @param client runs its calls on {@link ReaderThreads}, and has an {@link OkHttpGuard}
   */
  public OkHttpTransport(OkHttpClient client) {
    this.client = client;
  }

  @Override
  public Connection connect(URI target, Events events) {
    Request request =
        new Request.Builder()
            .url(target.toString())
            .header(SUBPROTOCOL_HEADER, MessageCodec.SUBPROTOCOL)
            .build();
    Listener listener = new Listener(request.url(), events);
    return new OkHttpConnection(client.newWebSocket(request, listener), listener);
  }

  private static final class OkHttpConnection implements Connection {
    private final WebSocket webSocket;
    private final Listener listener;

    OkHttpConnection(WebSocket webSocket, Listener listener) {
      this.webSocket = webSocket;
      this.listener = listener;
    }

    @Override
    public boolean send(String text) {
      if (webSocket.queueSize() > MAX_UNSENT) {
        listener.violated(
            "the server does not read: more than " + MAX_UNSENT + " bytes wait to be sent", null);
        webSocket.cancel();
        return false;
      }
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
    private final HttpUrl target;
    private final Events events;
    private volatile boolean opened;
    private boolean ended; // guarded by this

    Listener(HttpUrl target, Events events) {
      this.target = target;
      this.events = events;
    }

    @Override
    public void onOpen(WebSocket webSocket, Response response) {
      ReaderThreads.atEnd(this::readerEnded);
      String protocol = response.header(SUBPROTOCOL_HEADER);
      if (protocol != null && !protocol.equals(MessageCodec.SUBPROTOCOL)) {
        String sentence =
            "the server chose the WebSocket subprotocol "
                + Quote.of(protocol)
                + ", but a push server speaks "
                + MessageCodec.SUBPROTOCOL;
        fail(sentence, null);
        webSocket.cancel();
        return;
      }
      opened = true;
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
      end(() -> events.ended(code, Quote.of(reason)));
    }

    @Override
    public void onClosed(WebSocket webSocket, int code, String reason) {
      end(() -> events.ended(code, Quote.of(reason)));
    }

    @Override
    public void onFailure(WebSocket webSocket, Throwable t, @Nullable Response response) {
      if (t instanceof UnacceptableException) {
        violated(String.valueOf(t.getMessage()), t);
      } else {
        String reason =
            opened ? Quote.message(t.toString()) : OkHttpFailure.reason(target, t, response);
        fail(reason, Quote.withShortMessages(t));
      }
    }

    /**
     * If OkHttp has not said why until now, it met an error that it does not report, or another
     * thread failed to write and is yet to report that.
     */
    private void readerEnded(@Nullable Throwable failure) {
      if (failure == null) {
        fail("it cannot be written to", null);
      } else {
        String error = Quote.message(failure.toString());
        violated("the connection can be read no more: " + error, Quote.withShortMessages(failure));
      }
    }

    private void fail(String reason, @Nullable Throwable cause) {
      end(() -> events.failed(reason, cause));
    }

    private void violated(String reason, @Nullable Throwable cause) {
      end(() -> events.violated(reason, cause));
    }

    private void end(Runnable lastEvent) {
      synchronized (this) { // a failure to write is reported by another thread
        if (ended) {
          return;
        }
        lastEvent.run();
        ended = true; // not if that threw: then the end of the reader is the next occasion
      }
    }
  }
}
