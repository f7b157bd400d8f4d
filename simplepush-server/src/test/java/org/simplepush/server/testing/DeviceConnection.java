package org.simplepush.server.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.CloseCode;
import org.simplepush.core.MalformedMessageException;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.ServerMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One device's connection to a {@link FakePushServer}, seen from the server. A real push server
 * speaks over it; the test listens, and interrupts as it likes.
 *
 * <p>Safe for use by many threads.
 *
 * @since 0.1
 */
public final class DeviceConnection {
  private static final Logger log = LoggerFactory.getLogger(DeviceConnection.class);

  /** The close code of a connection that ended without a close frame (RFC 6455 §7.4.1). */
  private static final int NO_CLOSE_FRAME = 1006;

  /** How long a device may take to end TCP after a close frame (protocol §1). */
  private static final int CLOSE_GRACE_MILLIS = 2000;

  /** All bits set: reserved bits, and an opcode that does not exist. */
  private static final int GARBAGE = 0xff;

  private final Socket device;
  private final DataInputStream fromDevice;
  private final Socket server;
  private final DataInputStream fromServer;
  private final DeviceScript script;
  private final Duration patience;
  private final MessageCodec codec = new MessageCodec(1 << 20);

  /** Messages as they came; at the end the close code, which stays. */
  private final BlockingQueue<Object> heard = new LinkedBlockingQueue<>();

  private final CompletableFuture<Integer> ended = new CompletableFuture<>();

  /** Guards what is written to the device, so that no frame gets into another. */
  private final Object writing = new Object();

  /** Guards the one below. */
  private final Object gate = new Object();

  private boolean stalled;

  private volatile int closeCode = NO_CLOSE_FRAME;

  DeviceConnection(
      Socket device,
      DataInputStream fromDevice,
      Socket server,
      DeviceScript script,
      Duration patience)
      throws IOException {
    this.device = device;
    this.fromDevice = fromDevice;
    this.server = server;
    this.fromServer = new DataInputStream(new BufferedInputStream(server.getInputStream()));
    this.script = script;
    this.patience = patience;
  }

  /**
   * Relays until the connection ends.
   *
   * @param handshake the device's request
   * @param greeted is told once, when the device's hello was answered, or ignored as scripted
   */
  void relay(HttpHead handshake, Executor threads, Consumer<DeviceConnection> greeted)
      throws IOException {
    CompletableFuture<Void> hello = new CompletableFuture<>();
    try (device;
        server) {
      server.getOutputStream().write(handshake.bytes());
      HttpHead answer = HttpHead.read(fromServer);
      if (answer == null) {
        return;
      }
      device.getOutputStream().write(answer.bytes());
      if (!answer.first().contains(" 101 ")) {
        fromServer.transferTo(device.getOutputStream());
        return;
      }
      hello.thenRun(() -> greeted.accept(this));
      threads.execute(() -> relayToDevice(hello));
      relayToServer(hello);
    } finally {
      heard.add(closeCode);
      ended.complete(closeCode);
    }
  }

  private void relayToServer(CompletableFuture<Void> hello) throws IOException {
    ByteArrayOutputStream fragments = null;
    for (Frame frame = Frame.read(fromDevice); frame != null; frame = Frame.read(fromDevice)) {
      awaitGate();
      if (frame.isText()) {
        relayMessage(frame, hello);
      } else if (frame.beginsText()) {
        fragments = new ByteArrayOutputStream();
        fragments.writeBytes(frame.payload());
      } else if (fragments != null && frame.isContinuation()) {
        fragments.writeBytes(frame.payload());
        if (frame.isFinal()) {
          relayMessage(Frame.text(fragments.toByteArray()), hello);
          fragments = null;
        }
      } else {
        if (frame.isClose()) {
          closeCode = frame.closeCode();
        }
        forward(frame);
      }
    }
  }

  private void relayMessage(Frame text, CompletableFuture<Void> hello) throws IOException {
    ClientMessage message = read(text.text());
    Integer status = message == null ? null : script.nextStatus(message.type());
    if (status == null) {
      forward(text);
    } else if (status != DeviceScript.IGNORE) {
      send(refusal(message, status));
    }
    if (message != null) {
      heard.add(message);
      if (status != null && message instanceof ClientMessage.Hello) {
        hello.complete(null);
      }
    }
  }

  private void forward(Frame frame) {
    try {
      server.getOutputStream().write(frame.bytes(true));
    } catch (IOException e) {
      log.trace("The real server has closed; the device is heard to its end", e);
    }
  }

  private @Nullable ClientMessage read(String text) {
    try {
      return codec.readClientMessage(text);
    } catch (MalformedMessageException e) {
      log.debug("A device sent what is no message; the real server will say so", e);
      return null;
    }
  }

  private static ServerMessage refusal(ClientMessage message, int status) {
    String channelId = null;
    if (message instanceof ClientMessage.Register register) {
      channelId = register.channelId().text();
    } else if (message instanceof ClientMessage.Unregister unregister) {
      channelId = unregister.channelId().text();
    }
    String type = message.type().name().toLowerCase(Locale.ROOT);
    return new ServerMessage.Failure(type, channelId, status, "As the test wants it");
  }

  private void relayToDevice(CompletableFuture<Void> hello) {
    try {
      for (Frame frame = Frame.read(fromServer); frame != null; frame = Frame.read(fromServer)) {
        awaitGate();
        write(frame.bytes(false));
        if (!hello.isDone() && frame.isText() && answersHello(frame.text())) {
          hello.complete(null);
        }
      }
      endPolitely();
    } catch (IOException e) {
      log.debug("The connection to a device ended", e);
      if (!device.isOutputShutdown()) { // else the device is being given its time
        cut();
      }
    }
  }

  private boolean answersHello(String text) {
    try {
      ServerMessage.Type type = codec.readServerMessage(text).type();
      return type == ServerMessage.Type.HELLO || type == ServerMessage.Type.FAILURE;
    } catch (MalformedMessageException e) {
      throw new IllegalStateException("The real server does not speak the protocol", e);
    }
  }

  private void write(byte[] bytes) throws IOException {
    synchronized (writing) {
      OutputStream out = device.getOutputStream();
      out.write(bytes);
      out.flush();
    }
  }

  /** Ends our direction, and the device's when it has done the same or its time is over. */
  private void endPolitely() throws IOException {
    synchronized (writing) {
      if (!device.isClosed() && !device.isOutputShutdown()) {
        device.shutdownOutput();
        CompletableFuture.delayedExecutor(CLOSE_GRACE_MILLIS, TimeUnit.MILLISECONDS)
            .execute(this::cut);
      }
    }
  }

  private void awaitGate() throws IOException {
    synchronized (gate) {
      while (stalled && !device.isClosed()) {
        try {
          gate.wait();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IOException("The fake push server was closed", e);
        }
      }
    }
  }

  /**
   * Returns the next message of this kind that the device sent, and waits for it if need be; those
   * before it are passed over. A message is heard when it was passed to the real server, or
   * answered as scripted.
   *
   * @throws AssertionError if it does not come in time, or the connection ends before
   */
  public <T extends ClientMessage> T received(Class<T> kind) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      Object event = heard.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (event == null) {
        throw new AssertionError(
            "The device sent no " + kind.getSimpleName() + " within " + patience);
      }
      if (event instanceof Integer code) {
        heard.add(code);
        throw new AssertionError(
            "The connection ended with " + code + " before a " + kind.getSimpleName());
      }
      if (kind.isInstance(event)) {
        return kind.cast(event);
      }
    }
  }

  /**
   * Tells the device something, between what the real server says.
   *
   * @throws IOException if the connection has ended
   */
  public void send(ServerMessage message) throws IOException {
    send(codec.write(message));
  }

  /**
   * Sends a text message, be it of the protocol or not.
   *
   * @throws IOException if the connection has ended
   */
  public void send(String text) throws IOException {
    write(Frame.text(text).bytes(false));
  }

  /**
   * Sends bytes that are not a WebSocket frame.
   *
   * @throws IOException if the connection has ended
   */
  public void sendGarbage() throws IOException {
    byte[] garbage = new byte[64];
    Arrays.fill(garbage, (byte) GARBAGE);
    write(garbage);
  }

  /**
   * From now on nothing passes in either direction, though the connection stays open; what {@code
   * send} says still does.
   */
  public void stall() {
    synchronized (gate) {
      stalled = true;
    }
  }

  /** What was held back passes, and all that follows. */
  public void resume() {
    synchronized (gate) {
      stalled = false;
      gate.notifyAll();
    }
  }

  /** Resets the TCP connection, without a close frame. */
  public void drop() {
    try {
      device.setSoLinger(true, 0);
    } catch (IOException e) {
      log.debug("The connection to drop has already ended", e);
    }
    cut();
  }

  /**
   * Closes the connection with this code, as a server does (protocol §1); {@link CloseCode} knows
   * those in use.
   *
   * @throws IOException if the connection has ended
   */
  public void close(int code) throws IOException {
    synchronized (writing) {
      write(Frame.close(code).bytes(false));
      endPolitely();
    }
    server.close();
  }

  /**
   * Waits until the connection has ended.
   *
   * @return the code of the device's close frame, which may be its echo; 1006 if it sent none
   * @throws AssertionError if the connection does not end in time
   */
  public int awaitEnd() throws InterruptedException {
    try {
      return ended.get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("The connection did not end within " + patience, e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("This future does not fail", e);
    }
  }

  /** Ends both connections at once. */
  void cut() {
    closeQuietly(device);
    closeQuietly(server);
    resume();
  }

  private static void closeQuietly(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      log.debug("A socket did not close", e);
    }
  }

  @Override
  public String toString() {
    return "DeviceConnection[" + device.getRemoteSocketAddress() + "]";
  }

  static void refuseHandshake(Socket device, int status) throws IOException {
    device
        .getOutputStream()
        .write(
            ("HTTP/1.1 "
                    + status
                    + " As the test wants it\r\n"
                    + "Content-Length: 0\r\n"
                    + "Connection: close\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
  }
}
