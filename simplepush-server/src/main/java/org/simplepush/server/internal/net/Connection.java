package org.simplepush.server.internal.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.CloseCode;
import org.simplepush.core.ServerMessage;
import org.simplepush.server.internal.Refusal;
import org.simplepush.server.internal.framing.FrameGuard;
import org.simplepush.server.internal.framing.UpgradeRequest;
import org.simplepush.server.internal.session.Conversation;
import org.simplepush.server.internal.session.Wire;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One device's connection: moves bytes between its socket and the WebSocket engine, and messages
 * between the engine and the {@link Conversation}. Knows no rules of SimplePush. Only touched by
 * who has the turn of its loop, but for {@link #execute} and {@link #executeInline}.
 *
 * <p>Life: <em>opening</em> until the upgrade request is complete and right, <em>open</em> while
 * the conversation lasts, <em>closing</em> from the close frame or the refusal until the peer ends
 * the stream or patience does, <em>closed</em>.
 */
public final class Connection extends DeviceSocket implements Wire {
  private enum State {
    OPENING,
    OPEN,
    CLOSING,
    CLOSED
  }

  private static final Logger log = LoggerFactory.getLogger(Connection.class);

  /** Firefox never echoes a close frame: whoever closes ends TCP within 2 s (protocol §1). */
  private static final long CLOSING_NANOS = TimeUnit.MILLISECONDS.toNanos(1500);

  /** How long a probed device may stay silent, unless it is probed more often than that. */
  private static final long PROBE_NANOS = TimeUnit.SECONDS.toNanos(60);

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final FrameGuard guard;

  /** What limits per address count it under: that of the peer, or of a proxy's client. */
  private long address;

  /** Null once the connection is open. */
  private @Nullable Opening opening;

  private State state = State.OPENING;

  /** The engine, as long as it has something to remember; an idle connection has none. */
  private @Nullable Engine engine;

  /**
   * What the device sent behind a request that waits. Null when there is nothing. On an array
   * without offset.
   */
  private @Nullable ByteBuffer input;

  private @Nullable Conversation conversation;

  private boolean flushRequested;
  private final long acceptedAt;
  private long lastHeard;
  private boolean probed;

  private final Alarms alarms = new Alarms(this);

  /** Takes over an accepted socket. On the loop's thread. */
  Connection(
      WebSocketServer server,
      EventLoop loop,
      SocketChannel channel,
      Transport transport,
      long address)
      throws IOException {
    super(server, loop, channel, transport);
    this.address = address;
    this.opening = new Opening(this, server, channel);
    this.guard = new FrameGuard(server.settings().maxMessageLength());
    this.acceptedAt = System.nanoTime();
    this.lastHeard = loop.now();
    alarms.startOwn(opening.patienceNanos());
  }

  boolean isOpening() {
    return state == State.OPENING;
  }

  @Override
  boolean isClosed() {
    return state == State.CLOSED;
  }

  // Reading

  @Override
  public void onReady(SelectionKey ready) throws IOException {
    assert loop.isCurrent();
    if (ready.isReadable()) {
      read();
    }
    if (state != State.CLOSED && ready.isWritable()) {
      writeOn();
    }
    goOn();
  }

  private void read() throws IOException {
    ByteBuffer buffer = loop.readBuffer();
    int read = transport.read(buffer);
    if (transport instanceof ProxyHeader proxy && !isBehind(proxy)) {
      return;
    }
    if (read < 0) {
      closeNow();
      return;
    }
    if (read == 0) {
      return;
    }
    lastHeard = loop.now();
    probed = false;
    buffer.flip();
    switch (state) {
      case OPENING -> {
        if (opening != null) {
          opening.read(buffer);
        }
      }
      case OPEN -> readFrames(buffer);
      case CLOSING, CLOSED -> log.trace("Passing over what comes after the end");
    }
  }

  /** Looks at what came before all else; false if nothing is to be done with what comes behind. */
  private boolean isBehind(ProxyHeader header) {
    ProxyHeader.Result result = header.result();
    if (result == ProxyHeader.Result.NONE || result == ProxyHeader.Result.READ) {
      transport = header.inner();
    }
    return opening == null || opening.mayComeBehind(header);
  }

  /** Counts this connection under another address; false if that has far too many. */
  boolean comesFrom(InetAddress client) {
    long key = server.limits().addresses().key(client);
    if (key == address) {
      return true;
    }
    server.limits().leave(address);
    address = key;
    return server.limits().enter(key);
  }

  /** Opens the connection, and reads what the device has sent already. */
  void accept(UpgradeRequest request, ByteBuffer early) {
    write(ByteBuffer.wrap(request.acceptance().getBytes(StandardCharsets.ISO_8859_1)));
    if (state != State.OPENING) {
      return; // the peer was gone before our answer
    }
    state = State.OPEN;
    opening = null;
    alarms.stopOwn();
    conversation = server.conversations().begin(this);
    startProbing();
    if (early.hasRemaining()) {
      readFrames(early);
    }
  }

  void refuse(Refusal why, String answer) {
    server.refused(why);
    write(ByteBuffer.wrap(answer.getBytes(StandardCharsets.ISO_8859_1)));
    beginClosing();
  }

  /**
   * Handles one frame after the other, until the device has to wait; the rest is kept.
   *
   * @param buffer on an array without offset
   */
  private void readFrames(ByteBuffer buffer) {
    while (state == State.OPEN && buffer.hasRemaining() && !mustWait()) {
      String text = guard.nextText(buffer);
      if (text != null) {
        onText(text);
      } else {
        decodeFrame(buffer);
      }
    }
    releaseEngine();
    finish(buffer);
    if (state == State.OPEN && buffer.hasRemaining() && input == null) {
      input = Backlog.copy(buffer); // else it is that already
    }
  }

  /**
   * After the end: hands over what had come before it, as far as that is to be had in one piece.
   */
  private void finish(@Nullable ByteBuffer buffer) {
    if (buffer == null || conversation == null || state == State.OPEN) {
      return;
    }
    for (String text = guard.nextText(buffer); text != null; text = guard.nextText(buffer)) {
      conversation.onLeftOver(text);
    }
  }

  /** What the guard leaves to the engine: a frame, or as much of it as has come. */
  @SuppressWarnings("ByteBufferBackingArray") // the caller sees to it
  private void decodeFrame(ByteBuffer buffer) {
    int all = buffer.limit();
    int safe = guard.check(buffer.array(), buffer.position(), all);
    Engine decoder = engine();
    if (safe > buffer.position()) {
      decoder.decode(buffer.limit(safe));
    }
    buffer.limit(all).position(safe);
    if (state != State.OPEN || conversation == null) {
      return;
    }
    CloseCode malformed = decoder.violation();
    CloseCode violation = malformed != null ? malformed : guard.violation();
    if (violation != null) {
      conversation.close(violation, "a frame broke RFC 6455 or a limit");
    }
  }

  /** Whether the device gets no answers now, because the store or the device itself is slow. */
  private boolean mustWait() {
    return isClogged() || (conversation != null && conversation.isBusy());
  }

  private Engine engine() {
    if (engine == null) {
      engine = new Engine(this, server.settings().maxMessageLength());
    }
    return engine;
  }

  /** An engine costs a kilobyte, and more to make: too much to have for every idle connection. */
  private void releaseEngine() {
    if (state == State.OPEN && guard.isBetweenMessages()) {
      engine = null;
    }
  }

  // What the engine calls, while it decodes or is told to close

  void onText(String message) {
    if (conversation != null && state == State.OPEN) {
      conversation.onMessage(message, lastHeard);
    }
  }

  void onBinary() {
    if (conversation != null && state == State.OPEN) {
      conversation.close(CloseCode.UNSUPPORTED_DATA, "messages are text");
    }
  }

  void onPong(long payload) {
    if (conversation != null && state == State.OPEN) {
      conversation.onPong(payload);
    }
  }

  // What the conversation calls

  @Override
  public void send(ServerMessage message) {
    write(frame(message));
  }

  /** Returns the frame of a message, valid until the next one. */
  private ByteBuffer frame(ServerMessage message) {
    assert loop.isCurrent();
    TextFrame frame = loop.textFrame();
    try {
      server.codec().write(message, frame.begin());
    } catch (IOException e) {
      throw new UncheckedIOException("bytes in memory do not fail", e);
    }
    return frame.end();
  }

  @Override
  public void ping(long payload, @Nullable ServerMessage behind) {
    assert loop.isCurrent();
    ByteBuffer text = behind == null ? NOTHING.duplicate() : frame(behind);
    write(TextFrame.pingBefore(payload, text));
  }

  @Override
  public boolean isWritable() {
    assert loop.isCurrent();
    return state == State.OPEN && !hasUnwritten();
  }

  @Override
  public boolean isAsked() {
    assert loop.isCurrent();
    return input != null;
  }

  @Override
  public void close(CloseCode code, String reason) {
    assert loop.isCurrent();
    if (state == State.OPEN) {
      engine().close(code, reason);
    }
  }

  @Override
  public void startTimer(Wire.Timer timer, long delayNanos) {
    long delay =
        switch (timer) {
          // The first counts from connecting.
          case HELLO ->
              conversation == null ? delayNanos - (System.nanoTime() - acceptedAt) : delayNanos;
          case RECONCILE -> Alarms.spread(delayNanos); // who came together shall not ask together
          case REDELIVERY, QUIET -> delayNanos;
        };
    alarms.start(timer, delay);
  }

  @Override
  public void flushSoon() {
    assert loop.isCurrent();
    if (!flushRequested) {
      loop.atEndOfTurn(() -> run(this::flush));
      flushRequested = true; // now that it is sure
    }
  }

  private void flush() {
    flushRequested = false;
    if (conversation != null) {
      conversation.flush();
    }
  }

  @Override
  public long now() {
    return loop.now();
  }

  @Override
  public boolean isCurrent() {
    return loop.isCurrent();
  }

  @Override
  public void execute(Runnable task) {
    loop.execute(() -> run(task));
  }

  @Override
  public void executeInline(Runnable task) {
    loop.executeInline(() -> run(task));
  }

  @Override
  public long address() {
    return address;
  }

  /** What fails for one device must not leave it half served: its connection ends. */
  void run(Runnable task) {
    assert loop.isCurrent();
    try {
      task.run();
      goOn();
    } catch (Throwable e) {
      fail(e);
    }
  }

  private void fail(Throwable failure) {
    try {
      onFailure(failure);
    } catch (Throwable e) {
      server.failures().report(log, "A connection failed, and so did its end", e);
    }
  }

  /** After whatever was done: handles what had to wait, and sees what is to be waited for. */
  private void goOn() {
    ByteBuffer waiting = input;
    if (waiting != null && state == State.OPEN && !mustWait()) {
      readFrames(waiting);
      if (!waiting.hasRemaining() || state != State.OPEN) {
        input = null;
      }
    }
    updateInterest();
    settle();
  }

  // Writing

  /** The socket takes bytes again. */
  private void writeOn() throws IOException {
    if (writeBacklog()) {
      if (state == State.CLOSING) {
        endOutput();
      } else if (conversation != null) {
        conversation.flush();
      }
    }
  }

  /** Nothing is read that would have to wait. */
  @Override
  boolean isPaused() {
    return state == State.OPEN && (input != null || mustWait());
  }

  // Memory

  /** What is held because it has come in part, or has to wait. */
  @Override
  int heldInput() {
    return (input == null ? 0 : input.capacity() + Backlog.BUFFER)
        + (opening == null ? 0 : opening.held())
        + guard.held()
        + transport.undecoded();
  }

  Acquaintance acquaintance() {
    if (conversation == null || !conversation.isGreeted()) {
      return Acquaintance.NONE;
    }
    return conversation.hasChannels() ? Acquaintance.KNOWN : Acquaintance.WITHOUT_CHANNEL;
  }

  long acceptedAt() {
    return acceptedAt;
  }

  /** Ends it so that others have its room: in a word, if that can be said. */
  void shed() {
    end(CloseCode.TRY_AGAIN_LATER, "too many devices; try again later");
  }

  // Timers

  void startOwnTimer(long delayNanos) {
    alarms.startOwn(delayNanos);
  }

  void onTimer(Wire.Timer timer) {
    if (conversation != null) {
      conversation.onTimer(timer);
    }
  }

  void onOwnTimer() {
    switch (state) {
      case OPENING -> {
        if (opening != null) {
          opening.onTimeout();
        }
      }
      case OPEN -> probe();
      case CLOSING -> closeNow();
      case CLOSED -> log.trace("Closed before");
    }
  }

  private void startProbing() {
    startOwnTimer(Alarms.spread(server.settings().probeInterval().toNanos()));
  }

  /** Finds out whether a device that has been silent is still there. */
  private void probe() {
    long silent = loop.now() - lastHeard;
    long interval = server.settings().probeInterval().toNanos();
    long patience = Math.min(PROBE_NANOS, interval);
    if (probed && silent >= patience) {
      closeNow();
    } else if (silent >= interval / 2) {
      probed = true;
      engine().ping();
      releaseEngine();
      startOwnTimer(patience);
    } else {
      startProbing();
    }
  }

  // The end

  /**
   * The close frame or the refusal is on its way: ends the stream after it, and listens to nothing.
   */
  void beginClosing() {
    assert loop.isCurrent();
    if (state == State.CLOSING || state == State.CLOSED) {
      return;
    }
    state = State.CLOSING;
    ByteBuffer left = input;
    input = null;
    endOpening();
    if (conversation != null) {
      conversation.onClosed();
    }
    finish(left);
    startOwnTimer(CLOSING_NANOS);
    if (!hasUnwritten()) {
      endOutput();
    }
    updateInterest();
  }

  private void endOpening() {
    if (opening != null) {
      opening.end();
      opening = null;
    }
  }

  @Override
  public void onFailure(Throwable failure) {
    try {
      closeNow(); // first: a report may fail for want of memory
    } finally {
      reportFailure(failure);
    }
  }

  private void reportFailure(Throwable failure) {
    if (failure instanceof IOException) {
      log.debug("A connection failed", failure); // a device went away
    } else {
      server.failures().report(log, "A connection is closed: it could not be served", failure);
    }
  }

  /** Ends the connection at once, without a word. */
  void closeNow() {
    assert loop.isCurrent();
    if (state == State.CLOSED) {
      return;
    }
    state = State.CLOSED;
    endOpening();
    ByteBuffer left = input;
    input = null;
    engine = null;
    closeSocket(); // first, whatever fails
    try {
      if (conversation != null) {
        conversation.onClosed();
      }
      finish(left);
    } finally {
      alarms.cancel();
      settle();
      server.closed(this);
    }
  }

  /** Tells the device that the server goes away; harmless if it is told already. */
  void goAway() {
    end(CloseCode.GOING_AWAY, "the server shuts down");
  }

  private void end(CloseCode code, String reason) {
    run(
        () -> {
          switch (state) {
            case OPENING -> closeNow();
            case OPEN -> {
              if (conversation != null) {
                conversation.close(code, reason);
              }
            }
            case CLOSING, CLOSED -> log.trace("Going already");
          }
        });
  }
}
