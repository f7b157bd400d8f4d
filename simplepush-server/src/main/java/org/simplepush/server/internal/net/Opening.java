package org.simplepush.server.internal.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.Admission;
import org.simplepush.server.internal.Refusal;
import org.simplepush.server.internal.framing.UpgradeRequest;

/**
 * What becomes of a connection until it is open: reads the upgrade request, knows who the device
 * is, has the embedder decide about it, and accepts or refuses it. Confined to the loop of the
 * connection.
 */
final class Opening {
  /** How long the upgrade request may take, unless a hello must come even sooner. */
  private static final long OPENING_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** How long the embedder may take to decide, unless a hello must come even sooner. */
  private static final long ADMISSION_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final Duration RETRY_LATER = Duration.ofSeconds(60);
  private static final Duration RETRY_ADMISSION = Duration.ofSeconds(10);
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final Connection connection;
  private final WebSocketServer server;
  private final SocketChannel channel;

  /** A part of the request, or what came behind it; null when there is nothing. */
  private @Nullable ByteBuffer input;

  /** Who a PROXY header says it is; null if there was none, or it does not say. */
  private @Nullable InetAddress proxied;

  /** The request about which somebody decides; null before and if nobody does. */
  private @Nullable UpgradeRequest request;

  private @Nullable CompletableFuture<Admission.Decision> decision;

  Opening(Connection connection, WebSocketServer server, SocketChannel channel) {
    this.connection = connection;
    this.server = server;
    this.channel = channel;
  }

  /** Returns how long to wait for the request. */
  long patienceNanos() {
    return soonerThanHello(OPENING_NANOS);
  }

  private long soonerThanHello(long nanos) {
    return Math.min(nanos, server.settings().helloTimeout().toNanos());
  }

  /** Returns how much memory it takes, in bytes. */
  int held() {
    return input == null ? 0 : input.capacity() + Backlog.BUFFER;
  }

  /** Judges what came before the request; false if nothing is to be done with what comes behind. */
  boolean mayComeBehind(ProxyHeader header) {
    switch (header.result()) {
      case UNKNOWN, NONE -> {
        return true;
      }
      case READ -> {
        proxied = header.client();
        if (proxied == null || connection.comesFrom(proxied)) {
          return true;
        }
        refuseUnanswered(Refusal.ADDRESS);
      }
      case UNTRUSTED -> {
        server.limits().addresses().warnOfUntrusted("a PROXY header", peer());
        refuseUnanswered(Refusal.PROXY);
      }
      case MALFORMED -> refuseUnanswered(Refusal.PROXY);
    }
    return false;
  }

  private void refuseUnanswered(Refusal why) {
    server.refused(why);
    connection.closeNow();
  }

  private InetAddress peer() {
    try {
      return ((InetSocketAddress) channel.getRemoteAddress()).getAddress();
    } catch (IOException e) {
      throw new UncheckedIOException("The connection was closed", e);
    }
  }

  /** Reads what has come of the upgrade request, and behind it. */
  @SuppressWarnings("ByteBufferBackingArray") // we made it
  void read(ByteBuffer buffer) {
    if (request != null) {
      readEarly(buffer);
      return;
    }
    int before = input == null ? 0 : input.limit();
    byte[] bytes;
    if (input == null) {
      if (!UpgradeRequest.mayBegin(buffer.get(0))) {
        refuseUnanswered(Refusal.HANDSHAKE);
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
      connection.refuse(
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
    UpgradeRequest received = new UpgradeRequest(bytes, end);
    String malformed = received.refusal();
    if (malformed != null) {
      connection.refuse(Refusal.HANDSHAKE, malformed);
      return;
    }
    InetAddress peer = proxied != null ? proxied : peer();
    InetAddress client = server.limits().addresses().client(peer, received.forwardedFor());
    boolean isCounted = connection.comesFrom(client);
    Refusal limit = isCounted ? server.refusal(connection.address()) : Refusal.ADDRESS;
    if (limit != null) {
      connection.refuse(
          limit, UpgradeRequest.refused(limit == Refusal.ADDRESS ? 429 : 503, RETRY_LATER));
      return;
    }
    if (server.admission() == null) {
      connection.accept(received, ByteBuffer.wrap(bytes, end, bytes.length - end));
    } else {
      request = received;
      readEarly(ByteBuffer.wrap(bytes, end, bytes.length - end));
      askForAdmission(server.admission(), received, client);
    }
  }

  private void askForAdmission(AdmissionDesk desk, UpgradeRequest request, InetAddress client) {
    if (!connection.isOpening()) {
      return; // it sent too much already
    }
    connection.startOwnTimer(soonerThanHello(ADMISSION_NANOS));
    CompletableFuture<Admission.Decision> decision =
        desk.ask(new AdmissionRequest(request, client, server.isSecure()));
    this.decision = decision;
    CompletionStage<Admission.Decision> stage = decision;
    stage.whenComplete(
        (decided, failure) -> connection.execute(() -> admitted(desk, request, decided, failure)));
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
    if (!connection.isOpening()) {
      return; // it left, or the decision came too late
    }
    if (decision instanceof Admission.Admitted) {
      ByteBuffer early = input == null ? NOTHING.duplicate() : input;
      input = null;
      connection.accept(request, early);
    } else if (decision instanceof Admission.Refused refused) {
      connection.refuse(
          Refusal.ADMISSION, UpgradeRequest.refused(refused.status(), refused.retryAfter()));
    } else {
      desk.failed(failure != null ? failure : new IllegalStateException("There is no decision"));
      connection.refuse(Refusal.ADMISSION, UpgradeRequest.refused(503, RETRY_ADMISSION));
    }
  }

  /** The request or the decision has not come in time. */
  void onTimeout() {
    AdmissionDesk desk = server.admission();
    if (desk != null && request != null) {
      desk.failed(new TimeoutException("It did not decide in time"));
      connection.refuse(Refusal.ADMISSION, UpgradeRequest.refused(503, RETRY_ADMISSION));
    } else {
      connection.refuse(
          Refusal.HANDSHAKE,
          UpgradeRequest.answer("408 Request Timeout", "", "The request did not come in time."));
    }
  }

  /** It is not to be opened any more: whoever decides about it need not do so. */
  void end() {
    if (decision != null) {
      decision.cancel(false);
    }
  }
}
