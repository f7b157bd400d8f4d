package org.simplepush.server.internal.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.java_websocket.WebSocket;
import org.java_websocket.WebSocketAdapter;
import org.java_websocket.WebSocketImpl;
import org.java_websocket.exceptions.InvalidDataException;
import org.java_websocket.framing.CloseFrame;
import org.java_websocket.framing.Framedata;
import org.java_websocket.handshake.Handshakedata;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.CloseCode;
import org.simplepush.core.ServerMessage;
import org.simplepush.server.Admission;
import org.simplepush.server.internal.MemoryAccount.Kind;
import org.simplepush.server.internal.Refusal;
import org.simplepush.server.internal.framing.FrameGuard;
import org.simplepush.server.internal.framing.UpgradeRequest;
import org.simplepush.server.internal.session.Session;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One device's connection: moves bytes between its socket and the WebSocket engine, and messages
 * between the engine and the {@link Session}. Knows no rules of SimplePush. Only touched by who has
 * the turn of its loop, but for {@link #execute} and {@link #executeHere}.
 *
 * <p>Life: <em>opening</em> until the upgrade request is complete and right, <em>open</em> while
 * the session lasts, <em>closing</em> from the close frame or the refusal until the peer ends the
 * stream or patience does, <em>closed</em>.
 */
public final class Connection extends WebSocketAdapter implements EventLoop.Handler, Session.Wire {
  private enum State {
    OPENING,
    OPEN,
    CLOSING,
    CLOSED
  }

  private static final Logger log = LoggerFactory.getLogger(Connection.class);

  /** How long the upgrade request may take, unless a hello must come even sooner. */
  private static final long OPENING_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** Firefox never echoes a close frame: whoever closes ends TCP within 2 s (protocol §1). */
  private static final long CLOSING_NANOS = TimeUnit.MILLISECONDS.toNanos(1500);

  /** How long a probed device may stay silent, unless it is probed more often than that. */
  private static final long PROBE_NANOS = TimeUnit.SECONDS.toNanos(60);

  /** Answers that a device does not read pile up to this; then it gets no more, nor is it read. */
  private static final int MAX_BACKLOG = 32 * 1024;

  /** What a buffer takes besides its bytes. */
  private static final int BUFFER = 64;

  /** How long the embedder may take to decide, unless a hello must come even sooner. */
  private static final long ADMISSION_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final Duration RETRY_LATER = Duration.ofSeconds(60);
  private static final Duration RETRY_ADMISSION = Duration.ofSeconds(10);

  /** The first byte of a ping of RFC 6455, and what one takes that carries a long. */
  private static final byte PING = (byte) 0x89;

  private static final int PING_LENGTH = 2 + Long.BYTES;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private static final Session.Timer[] SESSION_TIMERS = Session.Timer.values();

  /** The connection's own timer, behind those of the session; its state says what it is for. */
  private static final int OWN_TIMER = SESSION_TIMERS.length;

  private static final long NEVER = Long.MIN_VALUE;

  private final WebSocketServer server;
  private final EventLoop loop;
  private Transport transport;
  private final SelectionKey key;
  private final FrameGuard guard;

  /** What limits per address count it under: that of the peer, or of a proxy's client. */
  private long address;

  /** Null once the connection is open. */
  private @Nullable Opening opening = new Opening();

  private State state = State.OPENING;

  /** The engine, as long as it has something to remember; an idle connection has none. */
  private @Nullable WebSocketImpl engine;

  /**
   * What has come and cannot be handled yet: a part of the upgrade request, and later what the
   * device sent behind a request that waits. Null when there is nothing. On an array without
   * offset.
   */
  private @Nullable ByteBuffer input;

  private @Nullable Session session;

  /** What the socket did not take yet; null when empty. */
  private @Nullable Deque<ByteBuffer> unwritten;

  /** What {@link #unwritten} takes. */
  private int backlog;

  /** What the account of memory was charged with for output and for input. */
  private int chargedBacklog;

  private int chargedInput;

  private boolean outputEnded;
  private boolean flushRequested;
  private final long acceptedAt;
  private long lastHeard;
  private boolean probed;

  /** When each timer runs out, {@link #NEVER} if it was not started. */
  private final long[] dueAt = new long[OWN_TIMER + 1];

  /** Runs when the first of them does: one timer a connection, however many it has. */
  private EventLoop.@Nullable Timer alarm;

  /** What is of use until the connection is open. */
  private static final class Opening {
    /** Who a PROXY header says it is; null if there was none, or it does not say. */
    @Nullable InetAddress proxied;

    /** The request about which somebody decides; null before and if nobody does. */
    @Nullable UpgradeRequest request;

    @Nullable CompletableFuture<Admission.Decision> decision;
  }

  /** Takes over an accepted socket. On the loop's thread. */
  Connection(
      WebSocketServer server,
      EventLoop loop,
      SocketChannel channel,
      Transport transport,
      long address)
      throws IOException {
    this.server = server;
    this.loop = loop;
    this.transport = transport;
    this.address = address;
    this.guard = new FrameGuard(server.context().settings().maxMessageLength());
    this.acceptedAt = System.nanoTime();
    this.lastHeard = loop.now();
    this.key = loop.register(channel, SelectionKey.OP_READ, this);
    Arrays.fill(dueAt, NEVER);
    long helloNanos = server.context().settings().helloTimeout().toNanos();
    startTimer(OWN_TIMER, Math.min(OPENING_NANOS, helloNanos));
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
      case OPENING -> readHead(buffer);
      case OPEN -> readFrames(buffer);
      case CLOSING, CLOSED -> log.trace("Passing over what comes after the end");
    }
  }

  /** Looks at what came before all else; false if nothing is to be done with what comes behind. */
  private boolean isBehind(ProxyHeader header) {
    switch (header.result()) {
      case UNKNOWN -> {
        return true; // and there is nothing yet
      }
      case NONE -> transport = header.inner();
      case READ -> {
        transport = header.inner();
        InetAddress client = header.client();
        if (opening != null && client != null) {
          opening.proxied = client;
          if (!comesFrom(client)) {
            refuseUnanswered(Refusal.ADDRESS);
            return false;
          }
        }
      }
      case UNTRUSTED -> {
        server.limits().addresses().warnOfUntrusted("a PROXY header", peer());
        refuseUnanswered(Refusal.PROXY);
        return false;
      }
      case MALFORMED -> {
        refuseUnanswered(Refusal.PROXY);
        return false;
      }
    }
    return true;
  }

  private void refuseUnanswered(Refusal why) {
    server.refused(why);
    closeNow();
  }

  private InetAddress peer() {
    try {
      SocketChannel channel = (SocketChannel) key.channel();
      return ((InetSocketAddress) channel.getRemoteAddress()).getAddress();
    } catch (IOException e) {
      throw new UncheckedIOException("The connection was closed", e);
    }
  }

  /** Counts this connection under another address; false if that has far too many. */
  private boolean comesFrom(InetAddress client) {
    long key = server.limits().addresses().key(client);
    if (key == address) {
      return true;
    }
    server.limits().leave(address);
    address = key;
    return server.limits().enter(key);
  }

  @SuppressWarnings("ByteBufferBackingArray") // we made it
  private void readHead(ByteBuffer buffer) {
    if (opening != null && opening.request != null) {
      readEarly(buffer);
      return;
    }
    int before = input == null ? 0 : input.limit();
    byte[] bytes;
    if (input == null) {
      if (!UpgradeRequest.mayBegin(buffer.get(0))) {
        server.refused();
        closeNow();
        return;
      }
      bytes = new byte[buffer.remaining()];
    } else {
      bytes = Arrays.copyOf(input.array(), before + buffer.remaining());
    }
    buffer.get(bytes, before, buffer.remaining());
    int end = UpgradeRequest.endOfHead(bytes, before, bytes.length);
    if (end > UpgradeRequest.MAX_HEAD_LENGTH
        || (end < 0 && bytes.length > UpgradeRequest.MAX_HEAD_LENGTH)) {
      refuse(
          Refusal.HANDSHAKE,
          UpgradeRequest.answer(
              "431 Request Header Fields Too Large", "", "The request is too large."));
      return;
    }
    if (end < 0) {
      input = ByteBuffer.wrap(bytes);
      return;
    }
    input = null;
    open(bytes, end);
  }

  /** What a device sends before it is answered is kept, but not much of it. */
  private void readEarly(ByteBuffer buffer) {
    ByteBuffer before = input == null ? NOTHING.duplicate() : input;
    if (before.remaining() + buffer.remaining() > UpgradeRequest.MAX_HEAD_LENGTH) {
      refuseUnanswered(Refusal.HANDSHAKE);
      return;
    }
    input = ByteBuffer.allocate(before.remaining() + buffer.remaining());
    input.put(before).put(buffer).flip();
  }

  private void open(byte[] bytes, int end) {
    Opening opening = this.opening;
    if (opening == null) {
      return;
    }
    UpgradeRequest request = new UpgradeRequest(bytes, end);
    String malformed = request.refusal();
    if (malformed != null) {
      refuse(Refusal.HANDSHAKE, malformed);
      return;
    }
    InetAddress peer = opening.proxied != null ? opening.proxied : peer();
    InetAddress client = server.limits().addresses().client(peer, request.forwardedFor());
    boolean isCounted = comesFrom(client);
    Refusal limit = isCounted ? server.refusal(address) : Refusal.ADDRESS;
    if (limit != null) {
      refuse(limit, UpgradeRequest.refused(limit == Refusal.ADDRESS ? 429 : 503, RETRY_LATER));
      return;
    }
    if (server.admission() == null) {
      accept(request, ByteBuffer.wrap(bytes, end, bytes.length - end));
    } else {
      opening.request = request;
      readEarly(ByteBuffer.wrap(bytes, end, bytes.length - end));
      askForAdmission(server.admission(), opening, request, client);
    }
  }

  private void askForAdmission(
      AdmissionDesk desk, Opening opening, UpgradeRequest request, InetAddress client) {
    if (state != State.OPENING) {
      return; // it sent too much already
    }
    long helloNanos = server.context().settings().helloTimeout().toNanos();
    startTimer(OWN_TIMER, Math.min(ADMISSION_NANOS, helloNanos));
    CompletableFuture<Admission.Decision> decision =
        desk.ask(new AdmissionRequest(request, client, server.isSecure()));
    opening.decision = decision;
    CompletionStage<Admission.Decision> stage = decision;
    stage.whenComplete(
        (decided, failure) -> execute(() -> admitted(desk, request, decided, failure)));
  }

  /** What the embedder sees of a device. */
  private record AdmissionRequest(UpgradeRequest request, InetAddress address, boolean isSecure)
      implements Admission.Request {
    @Override
    public String path() {
      return request.path();
    }

    @Override
    public String query() {
      return request.query();
    }

    @Override
    public List<String> headers(String name) {
      return request.headers(name);
    }
  }

  private void admitted(
      AdmissionDesk desk,
      UpgradeRequest request,
      Admission.@Nullable Decision decision,
      @Nullable Throwable failure) {
    if (state != State.OPENING || opening == null) {
      return; // it left, or the decision came too late
    }
    if (decision instanceof Admission.Admitted) {
      ByteBuffer early = input == null ? NOTHING.duplicate() : input;
      input = null;
      accept(request, early);
    } else if (decision instanceof Admission.Refused refused) {
      refuse(Refusal.ADMISSION, UpgradeRequest.refused(refused.status(), refused.retryAfter()));
    } else {
      desk.failed(failure != null ? failure : new IllegalStateException("There is no decision"));
      refuse(Refusal.ADMISSION, UpgradeRequest.refused(503, RETRY_ADMISSION));
    }
  }

  /** Opens the connection, and reads what the device has sent already. */
  private void accept(UpgradeRequest request, ByteBuffer early) {
    enqueue(ByteBuffer.wrap(request.acceptance().getBytes(StandardCharsets.ISO_8859_1)));
    if (state != State.OPENING) {
      return; // the peer was gone before our answer
    }
    state = State.OPEN;
    opening = null;
    dueAt[OWN_TIMER] = NEVER;
    session = new Session(server.context(), this);
    startProbing();
    if (early.hasRemaining()) {
      readFrames(early);
    }
  }

  private void refuse(Refusal why, String answer) {
    server.refused(why);
    enqueue(ByteBuffer.wrap(answer.getBytes(StandardCharsets.ISO_8859_1)));
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
      input = copy(buffer); // else it is that already
    }
  }

  /**
   * After the end: hands over what had come before it, as far as that is to be had in one piece.
   */
  private void finish(@Nullable ByteBuffer buffer) {
    if (buffer == null || session == null || state == State.OPEN) {
      return;
    }
    for (String text = guard.nextText(buffer); text != null; text = guard.nextText(buffer)) {
      session.onLeftOver(text);
    }
  }

  /** What the guard leaves to the engine: a frame, or as much of it as has come. */
  @SuppressWarnings("ByteBufferBackingArray") // the caller sees to it
  private void decodeFrame(ByteBuffer buffer) {
    int all = buffer.limit();
    int safe = guard.check(buffer.array(), buffer.position(), all);
    WebSocketImpl decoder = engine();
    if (safe > buffer.position()) {
      decoder.decode(buffer.limit(safe));
    }
    buffer.limit(all).position(safe);
    if (state != State.OPEN || session == null) {
      return;
    }
    InvalidDataException malformed = ((PushDraft) decoder.getDraft()).violation();
    CloseCode violation = malformed != null ? code(malformed) : guard.violation();
    if (violation != null) {
      session.close(violation, "a frame broke RFC 6455 or a limit");
    }
  }

  /** Whether the device gets no answers now, because the store or the device itself is slow. */
  private boolean mustWait() {
    return backlog > MAX_BACKLOG || (session != null && session.isBusy());
  }

  private WebSocketImpl engine() {
    if (engine == null) {
      PushDraft draft = new PushDraft(server.context().settings().maxMessageLength());
      engine = new WebSocketImpl(this, List.of(draft));
      engine.decode(ByteBuffer.allocate(1)); // opens it: the draft takes it for the handshake
    }
    return engine;
  }

  /** An engine costs a kilobyte, and more to make: too much to have for every idle connection. */
  private void releaseEngine() {
    if (state == State.OPEN && guard.isBetweenMessages()) {
      engine = null;
    }
  }

  private static CloseCode code(InvalidDataException malformed) {
    return switch (malformed.getCloseCode()) {
      case CloseFrame.NO_UTF8 -> CloseCode.INVALID_UTF8;
      case CloseFrame.TOOBIG -> CloseCode.TOO_BIG;
      default -> CloseCode.PROTOCOL_ERROR;
    };
  }

  // What the WebSocket engine calls, while it decodes or is told to close

  @Override
  public void onWebsocketOpen(WebSocket opened, Handshakedata handshake) {}

  @Override
  public void onWebsocketMessage(WebSocket from, String message) {
    onText(message);
  }

  private void onText(String message) {
    if (session != null && state == State.OPEN) {
      session.onMessage(message, lastHeard);
    }
  }

  @Override
  public void onWebsocketMessage(WebSocket from, ByteBuffer blob) {
    if (session != null && state == State.OPEN) {
      session.close(CloseCode.UNSUPPORTED_DATA, "messages are text");
    }
  }

  @Override
  public void onWebsocketPong(WebSocket from, Framedata pong) {
    ByteBuffer payload = pong.getPayloadData();
    if (session != null && state == State.OPEN && payload.remaining() == Long.BYTES) {
      session.onPong(payload.getLong(payload.position()));
    }
  }

  @Override
  public void onWriteDemand(WebSocket demanding) {
    Queue<ByteBuffer> queue = ((WebSocketImpl) demanding).outQueue;
    for (ByteBuffer next = queue.poll(); next != null; next = queue.poll()) {
      enqueue(next);
    }
  }

  @Override
  public void onWebsocketClosing(WebSocket closing, int code, String reason, boolean remote) {
    beginClosing();
  }

  @Override
  public void onWebsocketClose(WebSocket closed, int code, String reason, boolean remote) {
    closeNow();
  }

  @Override
  public void onWebsocketCloseInitiated(WebSocket closing, int code, String reason) {}

  @Override
  public void onWebsocketError(WebSocket failing, Exception error) {
    onFailure(error);
  }

  @Override
  public java.net.@Nullable InetSocketAddress getLocalSocketAddress(WebSocket asking) {
    return null; // nobody asks
  }

  @Override
  public java.net.@Nullable InetSocketAddress getRemoteSocketAddress(WebSocket asking) {
    return null; // nobody asks
  }

  // What the session calls

  @Override
  public void send(ServerMessage message) {
    enqueue(frame(message));
  }

  /** Returns the frame of a message, valid until the next one. */
  private ByteBuffer frame(ServerMessage message) {
    assert loop.isCurrent();
    TextFrame frame = loop.textFrame();
    try {
      server.context().codec().write(message, frame.begin());
    } catch (IOException e) {
      throw new UncheckedIOException("bytes in memory do not fail", e);
    }
    return frame.end();
  }

  @Override
  public void ping(long payload, @Nullable ServerMessage behind) {
    assert loop.isCurrent();
    ByteBuffer text = behind == null ? NOTHING.duplicate() : frame(behind);
    ByteBuffer both = ByteBuffer.allocate(PING_LENGTH + text.remaining());
    enqueue(both.put(PING).put((byte) Long.BYTES).putLong(payload).put(text).flip());
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
      engine().close(code.code(), reason);
    }
  }

  @Override
  public void startTimer(Session.Timer timer, long delayNanos) {
    long delay =
        switch (timer) {
          // The first counts from connecting.
          case HELLO ->
              session == null ? delayNanos - (System.nanoTime() - acceptedAt) : delayNanos;
          case RECONCILE -> spread(delayNanos); // who came together shall not ask together
          case REDELIVERY, QUIET -> delayNanos;
        };
    startTimer(index(timer), delay);
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
    if (session != null) {
      session.flush();
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
  public void executeHere(Runnable task) {
    loop.executeHere(() -> run(task));
  }

  @Override
  public long address() {
    return address;
  }

  /** What fails for one device must not leave it half served: its connection ends. */
  private void run(Runnable task) {
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

  private boolean hasUnwritten() {
    return unwritten != null || transport.unwritten() > 0;
  }

  /** Writes bytes, or keeps a copy of what the socket does not take. */
  private void enqueue(ByteBuffer bytes) {
    assert loop.isCurrent();
    if (outputEnded || state == State.CLOSED) {
      return;
    }
    try {
      if (!hasUnwritten()) {
        transport.write(bytes);
      }
    } catch (IOException e) {
      onFailure(e);
      return;
    }
    if (bytes.hasRemaining()) {
      if (unwritten == null) {
        unwritten = new ArrayDeque<>(2);
      }
      backlog += bytes.remaining() + BUFFER;
      unwritten.add(copy(bytes));
    }
    if (hasUnwritten()) {
      updateInterest();
    }
  }

  /** The socket takes bytes again. */
  private void writeOn() throws IOException {
    if (transport.unwritten() > 0) {
      transport.write(NOTHING);
    }
    while (unwritten != null && transport.unwritten() == 0) {
      ByteBuffer next = unwritten.element();
      transport.write(next);
      if (next.hasRemaining()) {
        return;
      }
      unwritten.remove();
      backlog -= next.capacity() + BUFFER;
      if (unwritten.isEmpty()) {
        unwritten = null;
      }
    }
    if (!hasUnwritten()) {
      if (state == State.CLOSING) {
        endOutput();
      } else if (session != null) {
        session.flush();
      }
    }
  }

  private void updateInterest() {
    if (state == State.CLOSED || !key.isValid()) {
      return;
    }
    boolean paused = state == State.OPEN && (input != null || mustWait());
    loop.setInterest(
        key, (paused ? 0 : SelectionKey.OP_READ) | (hasUnwritten() ? SelectionKey.OP_WRITE : 0));
  }

  private static ByteBuffer copy(ByteBuffer bytes) {
    return ByteBuffer.allocate(bytes.remaining()).put(bytes).flip();
  }

  // Memory

  /** What is held for a device that does not read. */
  private int heldBacklog() {
    return backlog + transport.unwritten();
  }

  /** What is held because it has come in part, or has to wait. */
  private int heldInput() {
    return (input == null ? 0 : input.capacity() + BUFFER) + guard.held() + transport.undecoded();
  }

  /** Charges what is held more than before. Nearly always nothing is held. */
  private void settle() {
    boolean closed = state == State.CLOSED;
    int moreBacklog = (closed ? 0 : heldBacklog()) - chargedBacklog;
    int moreInput = (closed ? 0 : heldInput()) - chargedInput;
    chargedBacklog += moreBacklog; // first: this connection may be closed to make room
    chargedInput += moreInput;
    if (moreBacklog != 0) {
      server.charge(Kind.BACKLOG, moreBacklog);
    }
    if (moreInput != 0) {
      server.charge(Kind.INPUT, moreInput);
    }
  }

  /** What is charged for this connection, besides the connection itself. */
  int charged(Kind kind) {
    return kind == Kind.BACKLOG ? chargedBacklog : chargedInput;
  }

  /** How much of a stranger its device is (protocol §13): the first are shed first. */
  enum Acquaintance {
    /** It said no hello. */
    NONE,
    /** It has no channel that is stored. */
    WITHOUT_CHANNEL,
    /** It has channels. */
    KNOWN
  }

  Acquaintance acquaintance() {
    if (session == null || !session.isGreeted()) {
      return Acquaintance.NONE;
    }
    return session.hasChannels() ? Acquaintance.KNOWN : Acquaintance.WITHOUT_CHANNEL;
  }

  long acceptedAt() {
    return acceptedAt;
  }

  /** Ends it so that others have its room: in a word, if that can be said. */
  void shed() {
    end(CloseCode.TRY_AGAIN_LATER, "too many devices; try again later");
  }

  /** Ends it at once: what it holds is needed. */
  void shedNow() {
    closeNow();
  }

  // Timers

  private void startTimer(int timer, long delayNanos) {
    assert loop.isCurrent();
    if (state == State.CLOSED) {
      return; // the loop would keep this connection alive until then
    }
    long due = System.nanoTime() + delayNanos;
    dueAt[timer] = due;
    if (alarm == null || due - alarm.dueAt() < 0) {
      setAlarm(delayNanos);
    }
  }

  /** An array of times is the least that several timers a connection can cost. */
  @SuppressWarnings("EnumOrdinal")
  private static int index(Session.Timer timer) {
    return timer.ordinal();
  }

  private void setAlarm(long delayNanos) {
    EventLoop.Timer before = alarm;
    alarm = loop.schedule(Math.max(0, delayNanos), () -> run(this::onAlarm));
    if (before != null) {
      loop.cancel(before);
    }
  }

  private void onAlarm() {
    alarm = null;
    for (Session.Timer timer : SESSION_TIMERS) {
      if (isDue(index(timer)) && session != null) {
        session.onTimer(timer);
      }
    }
    if (isDue(OWN_TIMER)) {
      onOwnTimer();
    }
    if (state != State.CLOSED) {
      long next = NEVER;
      for (long due : dueAt) {
        if (due != NEVER && (next == NEVER || due - next < 0)) {
          next = due;
        }
      }
      if (next != NEVER) {
        setAlarm(next - System.nanoTime());
      }
      updateInterest();
    }
  }

  /** Tells whether a timer has run out; if so it is over. */
  private boolean isDue(int timer) {
    if (dueAt[timer] == NEVER || dueAt[timer] - System.nanoTime() > 0) {
      return false;
    }
    dueAt[timer] = NEVER;
    return true;
  }

  private void onOwnTimer() {
    switch (state) {
      case OPENING -> {
        AdmissionDesk desk = server.admission();
        if (desk != null && opening != null && opening.request != null) {
          desk.failed(new TimeoutException("It did not decide in time"));
          refuse(Refusal.ADMISSION, UpgradeRequest.refused(503, RETRY_ADMISSION));
        } else {
          refuse(
              Refusal.HANDSHAKE,
              UpgradeRequest.answer(
                  "408 Request Timeout", "", "The request did not come in time."));
        }
      }
      case OPEN -> probe();
      case CLOSING -> closeNow();
      case CLOSED -> log.trace("Closed before");
    }
  }

  private void startProbing() {
    startTimer(OWN_TIMER, spread(server.context().settings().probeInterval().toNanos()));
  }

  /** Finds out whether a device that has been silent is still there. */
  private void probe() {
    long silent = loop.now() - lastHeard;
    long interval = server.context().settings().probeInterval().toNanos();
    long patience = Math.min(PROBE_NANOS, interval);
    if (probed && silent >= patience) {
      closeNow();
    } else if (silent >= interval / 2) {
      probed = true;
      engine().sendPing();
      releaseEngine();
      startTimer(OWN_TIMER, patience);
    } else {
      startProbing();
    }
  }

  /** Returns a little less, by chance, so that what came together does not act together. */
  private static long spread(long nanos) {
    return nanos - ThreadLocalRandom.current().nextLong(nanos / 10 + 1);
  }

  // The end

  /**
   * The close frame or the refusal is on its way: ends the stream after it, and listens to nothing.
   */
  private void beginClosing() {
    assert loop.isCurrent();
    if (state == State.CLOSING || state == State.CLOSED) {
      return;
    }
    state = State.CLOSING;
    ByteBuffer left = input;
    input = null;
    endOpening();
    if (session != null) {
      session.onClosed();
    }
    finish(left);
    startTimer(OWN_TIMER, CLOSING_NANOS);
    if (!hasUnwritten()) {
      endOutput();
    }
    updateInterest();
  }

  /** Whoever decides about the device need not do so any more. */
  private void endOpening() {
    if (opening != null && opening.decision != null) {
      opening.decision.cancel(false);
    }
    opening = null;
  }

  private void endOutput() {
    if (!outputEnded) {
      outputEnded = true;
      try {
        transport.endOutput();
      } catch (IOException e) {
        onFailure(e);
      }
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
  private void closeNow() {
    assert loop.isCurrent();
    if (state == State.CLOSED) {
      return;
    }
    state = State.CLOSED;
    endOpening();
    unwritten = null;
    ByteBuffer left = input;
    input = null;
    engine = null;
    try {
      loop.close(key); // first, whatever fails
    } catch (IOException e) {
      log.debug("A socket did not close", e);
    }
    try {
      if (session != null) {
        session.onClosed();
      }
      finish(left);
    } finally {
      if (alarm != null) {
        loop.cancel(alarm);
      }
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
              if (session != null) {
                session.close(code, reason);
              }
            }
            case CLOSING, CLOSED -> log.trace("Going already");
          }
        });
  }
}
