package org.simplepush.client.internal.net;

import java.io.IOException;
import okhttp3.Interceptor;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.Buffer;
import okio.ForwardingSink;
import okio.ForwardingSource;
import okio.Sink;
import okio.Socket;
import okio.Source;
import org.simplepush.client.internal.Quote;

/**
 * Bounds what a server can make OkHttp do before and after a WebSocket is open. OkHttp has no
 * setting for it, but an interceptor sees the stream of frames, with TLS already taken off.
 *
 * <p>Compression is not offered: a small frame could become a message of a gigabyte.
 */
public final class OkHttpGuard implements Interceptor {
  private static final String EXTENSIONS_HEADER = "Sec-WebSocket-Extensions";

  private final int maxMessageLength;

  /**
   * @param maxMessageLength in bytes
   */
  public OkHttpGuard(int maxMessageLength) {
    this.maxMessageLength = maxMessageLength;
  }

  @Override
  public Response intercept(Chain chain) throws IOException {
    Response response;
    try {
      response =
          chain.proceed(chain.request().newBuilder().removeHeader(EXTENSIONS_HEADER).build());
    } catch (RuntimeException e) {
      throw unreadable(e);
    }
    Socket socket = response.socket();
    if (socket == null) {
      return withoutBody(response, chain);
    }
    if (response.header(EXTENSIONS_HEADER) != null) {
      socket.getSink().close();
      socket.getSource().close();
      throw new UnacceptableException(
          "the server chose a WebSocket extension that was not offered");
    }
    return response
        .newBuilder()
        .socket(new OkHttpSocket(socket, new FrameLimits(maxMessageLength)))
        .build();
  }

  /** Only its head says anything; with the body the connection ends. */
  private static Response withoutBody(Response response, Chain chain) throws IOException {
    try {
      response.close();
    } catch (RuntimeException e) {
      chain.call().cancel(); // or the connection would be kept
      throw unreadable(e);
    }
    return response.newBuilder().body(ResponseBody.create(new byte[0], null)).build();
  }

  /** OkHttp trusts some numbers of an answer, such as Retry-After and Content-Length. */
  private static UnacceptableException unreadable(RuntimeException cause) {
    return new UnacceptableException(
        "the server's answer could not be read: " + Quote.message(cause.toString()), cause);
  }

  private static final class OkHttpSocket implements Socket {
    private final Socket socket;
    private final Source source;
    private final Sink sink;

    OkHttpSocket(Socket socket, FrameLimits limits) {
      this.socket = socket;
      this.source = new OkHttpSource(socket.getSource(), limits);
      this.sink = new OkHttpSink(socket.getSink(), limits);
    }

    @Override
    public Source getSource() {
      return source;
    }

    @Override
    public Sink getSink() {
      return sink;
    }

    @Override
    public void cancel() {
      socket.cancel();
    }
  }

  /** Looks at the frames of the server before OkHttp does. */
  private static final class OkHttpSource extends ForwardingSource {
    private final FrameWalker frames;
    private final Buffer read = new Buffer();

    OkHttpSource(Source source, FrameLimits limits) {
      super(source);
      frames = new FrameWalker(limits::received);
    }

    @Override
    public long read(Buffer sink, long byteCount) throws IOException {
      long count = super.read(read, byteCount);
      if (count > 0) {
        walk(frames, read, count);
        sink.write(read, count);
      }
      return count;
    }
  }

  /** Counts the answers to pings that the server has room for. */
  private static final class OkHttpSink extends ForwardingSink {
    private final FrameWalker frames = new FrameWalker(this::frame);
    private final FrameLimits limits;
    private int pongs;

    OkHttpSink(Sink sink, FrameLimits limits) {
      super(sink);
      this.limits = limits;
    }

    private void frame(int opcode, long length) {
      if (opcode == FrameWalker.PONG) {
        pongs++;
      }
    }

    @Override
    public void write(Buffer source, long byteCount) throws IOException {
      walk(frames, source, byteCount);
      super.write(source, byteCount);
      limits.answered(pongs);
      pongs = 0;
    }
  }

  private static void walk(FrameWalker frames, Buffer buffer, long count) throws IOException {
    try (Buffer.UnsafeCursor cursor = buffer.readUnsafe(new Buffer.UnsafeCursor())) {
      long left = count;
      for (int length = cursor.next(); length > 0 && left > 0; length = cursor.next()) {
        int here = (int) Math.min(length, left);
        frames.walk(cursor.data, cursor.start, cursor.start + here);
        left -= here;
      }
    }
  }
}
