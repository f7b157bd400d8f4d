package org.simplepush.server.internal.http;

import java.io.IOException;
import java.net.InetAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.internal.net.EventLoop;
import org.simplepush.server.internal.net.Transport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's connection of TLS and, from the first byte of its first request on, a plain one to the
 * HTTP server, which decides how long requests and pauses may take. Bytes of one side that the
 * other does not take are held, and until they are gone no more are read. Confined to one loop.
 */
final class TlsTunnel implements EventLoop.Handler {
  private static final Logger log = LoggerFactory.getLogger(TlsTunnel.class);

  /** How long a client may take until its first request begins, handshake included. */
  private static final long OPENING_NANOS = TimeUnit.SECONDS.toNanos(30);

  /** How long a client may take to read what is left and to end, after the server has ended. */
  private static final long CLOSING_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** What a connection takes: this object, its sockets, and an engine of TLS after a handshake. */
  private static final int CONNECTION = 8 * 1024;

  /** What the HTTP server holds for one, the JDK's buffers above all. */
  private static final int SERVED = 32 * 1024;

  /** Bytes of an answer that are read at a time. */
  private static final int ANSWER = 16 * 1024;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final TlsFront front;
  private final EventLoop loop;
  private final InetAddress peer;
  private final Transport client;
  private final SelectionKey clientKey;

  /** The connection to the HTTP server; null until there is something to say. */
  private @Nullable SelectionKey serverKey;

  /** What the HTTP server, or the client, did not take yet; null when there is nothing. */
  private @Nullable ByteBuffer toServer;

  private @Nullable ByteBuffer toClient;

  /** Whether nothing more comes from the client. */
  private boolean clientEnded;

  /** Whether the HTTP server takes nothing more: what the client still sends is passed over. */
  private boolean serverDeaf;

  /** Whether nothing more comes from the HTTP server, whose connection is closed. */
  private boolean serverEnded;

  /** Whether the client was told so. */
  private boolean outputEnded;

  private boolean closed;
  private EventLoop.@Nullable Timer timer;
  private int held;

  /** Takes over an accepted socket. On the loop. */
  TlsTunnel(
      TlsFront front, EventLoop loop, SocketChannel channel, Transport client, InetAddress peer)
      throws IOException {
    this.front = front;
    this.loop = loop;
    this.peer = peer;
    this.client = client;
    this.clientKey = loop.register(channel, SelectionKey.OP_READ, this);
  }

  /** Called once, when the front knows this tunnel. */
  void begin() {
    closeAfter(OPENING_NANOS);
    account();
  }

  // The client

  @Override
  public void onReady(SelectionKey ready) throws IOException {
    if (ready.isReadable()) {
      readClient();
    }
    if (!closed && ready.isWritable()) {
      writeClient();
    }
    goOn();
  }

  @Override
  public void onFailure(Throwable failure) {
    log.debug("A connection of an application server failed", failure);
    if (failure instanceof SSLException && !closed && !outputEnded) {
      try {
        client.endOutput(); // the alert says what is wrong
      } catch (IOException e) {
        log.debug("It does not hear why", e);
      }
    }
    close();
  }

  private void readClient() throws IOException {
    ByteBuffer in = loop.readBuffer();
    int read = client.read(in);
    if (read < 0) {
      clientEnded = true;
      if (serverKey == null) {
        close();
      } else if (toServer == null) {
        endServerInput();
      }
    } else if (read > 0 && !serverDeaf) {
      forward(in.flip());
    }
  }

  private void forward(ByteBuffer in) throws IOException {
    if (serverKey == null) {
      connect();
    }
    SocketChannel server = serverChannel();
    if (server.isConnected()) {
      writeServer(server, in);
    }
    toServer = rest(in);
  }

  private void writeClient() throws IOException {
    client.write(NOTHING.duplicate());
    ByteBuffer waiting = toClient;
    if (waiting != null && client.unwritten() == 0) {
      client.write(waiting);
      if (!waiting.hasRemaining()) {
        toClient = null;
      }
    }
  }

  // The HTTP server

  private void connect() throws IOException {
    SocketChannel channel = SocketChannel.open();
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      boolean connected = channel.connect(front.server());
      serverKey =
          loop.register(
              channel,
              connected ? SelectionKey.OP_READ : SelectionKey.OP_CONNECT,
              new ServerSide());
    } finally {
      if (serverKey == null) {
        channel.close();
      }
    }
    if (timer != null) {
      loop.cancel(timer); // from now on the time limits are those of the HTTP server
      timer = null;
    }
  }

  private SocketChannel serverChannel() {
    if (serverKey == null) {
      throw new IllegalStateException("the tunnel is not connected yet");
    }
    return (SocketChannel) serverKey.channel();
  }

  private final class ServerSide implements EventLoop.Handler {
    @Override
    public void onReady(SelectionKey ready) throws IOException {
      SocketChannel server = serverChannel();
      if (ready.isConnectable()) {
        server.finishConnect();
      }
      ByteBuffer waiting = toServer;
      if (waiting != null && server.isConnected()) {
        writeServer(server, waiting);
        toServer = rest(waiting);
        if (toServer == null && clientEnded) {
          endServerInput();
        }
      }
      if (ready.isReadable()) {
        readServer(server, ready);
      }
      goOn();
    }

    @Override
    public void onFailure(Throwable failure) {
      TlsTunnel.this.onFailure(failure);
    }
  }

  /** A server that has closed may have answered before. */
  private void writeServer(SocketChannel server, ByteBuffer from) {
    try {
      server.write(from);
    } catch (IOException e) {
      log.debug("The HTTP server has closed a connection", e);
      from.position(from.limit());
      serverDeaf = true;
    }
  }

  private void endServerInput() throws IOException {
    if (!serverDeaf) {
      serverChannel().shutdownOutput();
    }
  }

  private void readServer(SocketChannel server, SelectionKey key) throws IOException {
    ByteBuffer in = loop.readBuffer().limit(ANSWER);
    if (read(server, in) < 0) {
      serverEnded = true;
      serverDeaf = true;
      toServer = null;
      close(key);
      closeAfter(CLOSING_NANOS);
      return;
    }
    front.answers(this);
    client.write(in.flip());
    toClient = rest(in);
  }

  /** A server that closes while there is more to read resets the connection. */
  private static int read(SocketChannel server, ByteBuffer in) {
    try {
      return server.read(in);
    } catch (IOException e) {
      log.debug("The HTTP server has reset a connection", e);
      return -1;
    }
  }

  // Both

  private static @Nullable ByteBuffer rest(ByteBuffer of) {
    return of.hasRemaining() ? ByteBuffer.allocate(of.remaining()).put(of).flip() : null;
  }

  private boolean hasUnwritten() {
    return toClient != null || client.unwritten() > 0;
  }

  /** After whatever was done: sees what is to be waited for. */
  private void goOn() throws IOException {
    if (closed) {
      return;
    }
    if (serverEnded && !outputEnded && !hasUnwritten()) {
      outputEnded = true;
      client.endOutput();
    }
    if (outputEnded && clientEnded && !hasUnwritten()) {
      close();
      return;
    }
    boolean full = toServer != null || client.unwritten() > 0; // the client may ask for answers
    loop.setInterest(
        clientKey,
        (clientEnded || full ? 0 : SelectionKey.OP_READ)
            | (hasUnwritten() ? SelectionKey.OP_WRITE : 0));
    if (serverKey != null && !serverEnded) {
      loop.setInterest(serverKey, serverInterest());
    }
    account();
  }

  private int serverInterest() {
    if (!serverChannel().isConnected()) {
      return SelectionKey.OP_CONNECT;
    }
    return (hasUnwritten() ? 0 : SelectionKey.OP_READ)
        | (toServer == null ? 0 : SelectionKey.OP_WRITE);
  }

  private void account() {
    int now =
        CONNECTION
            + (serverKey == null ? 0 : SERVED)
            + (toServer == null ? 0 : toServer.capacity())
            + (toClient == null ? 0 : toClient.capacity())
            + client.unwritten()
            + client.undecoded();
    int more = now - held;
    held = now;
    if (more != 0) {
      front.hold(more);
    }
  }

  // The end

  private void closeAfter(long nanos) {
    if (timer != null) {
      loop.cancel(timer);
    }
    timer = loop.schedule(nanos, this::close);
  }

  /** Ends the connection in order, if nothing is under way; said again until it has ended. */
  void goAway() {
    if (!closed && serverKey == null) {
      close();
    }
  }

  /** Ends the connection at once. */
  void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (timer != null) {
      loop.cancel(timer);
    }
    toServer = null;
    toClient = null;
    front.hold(-held);
    held = 0;
    front.closed(this, peer);
    close(clientKey);
    if (serverKey != null && !serverEnded) {
      close(serverKey);
    }
  }

  private void close(SelectionKey key) {
    try {
      loop.close(key);
    } catch (IOException e) {
      log.debug("A socket did not close", e);
    }
  }
}
