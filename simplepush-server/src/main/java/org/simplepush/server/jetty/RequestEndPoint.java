package org.simplepush.server.jetty;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.thread.Invocable;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.EndpointServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server's end of a connection that requests come over.
 *
 * <p>Its idle timeout runs from the first byte of a request until the request is whole, TLS
 * handshake included. To Jetty a connection on which one byte a second arrives is never idle.
 *
 * <p>A socket that was just emptied is not read again before the selector says so. Jetty asks twice
 * more after each request, which were two of the seven system calls of a notification.
 */
final class RequestEndPoint extends SocketChannelEndPoint {
  private static final Logger log = LoggerFactory.getLogger(RequestEndPoint.class);

  /** Accepts such connections. */
  static final class Connector extends ServerConnector {
    /** A thread that blocks in accept also knows how to wait when files run out. */
    private static final int ACCEPTORS = 1;

    /** One takes 90,000 requests a second; a second one on two cores only costs switches. */
    private static final int SELECTORS =
        Math.max(1, Math.min(4, Runtime.getRuntime().availableProcessors() / 2));

    /** So often at most it is logged that nobody can be accepted. */
    private static final long QUIET_NANOS = TimeUnit.MINUTES.toNanos(1);

    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Room room;
    private final int connectionBytes;
    private volatile long quietUntil = System.nanoTime();

    Connector(
        Server server,
        EndpointServer.Limits limits,
        int connectionBytes,
        ConnectionFactory... factories) {
      super(server, ACCEPTORS, SELECTORS, factories);
      this.room = new Room(limits, this::getConnectedEndPoints);
      this.connectionBytes = connectionBytes;
    }

    @Override
    protected void onEndPointOpened(EndPoint endPoint) {
      super.onEndPointOpened(endPoint);
      ((RequestEndPoint) endPoint).enter(connectionBytes);
    }

    /** Too many open files, most likely: idle connections have some. */
    @Override
    protected boolean handleAcceptFailure(Throwable failure) {
      if (!isRunning() || failure instanceof ClosedByInterruptException) {
        return super.handleAcceptFailure(failure);
      }
      long now = System.nanoTime();
      if (now - quietUntil >= 0) { // one thread accepts
        quietUntil = now + QUIET_NANOS;
        log.warn(
            "Cannot accept an application server, trying again every 100 ms: {}",
            failure.toString());
      }
      room.make();
      LockSupport.parkNanos(PAUSE_NANOS);
      return true;
    }

    @Override
    protected SocketChannelEndPoint newEndPoint(
        SocketChannel channel, ManagedSelector selector, SelectionKey key) {
      SocketChannelEndPoint endPoint =
          new RequestEndPoint(channel, selector, key, getScheduler(), room);
      endPoint.setIdleTimeout(getIdleTimeout());
      return endPoint;
    }
  }

  /** No head is larger. */
  private static final int MAX_HEAD = 16 * 1024;

  /** A field of three bytes takes a hundred. */
  private static final int HEAP_BYTES_PER_BYTE = 32;

  private final Room room;

  /** Held by the thread that reads the connection. */
  private final Object turn = new Object();

  /** Who this is, if it was let in. */
  private @Nullable InetAddress peer;

  /** What the connection holds, with its unfinished requests, from its start to its end. */
  private int held;

  /** How much of that is for the head of a request of which a part has come. */
  private int heldByHead;

  /** Bytes that have come since the last head. */
  private int arrived;

  private volatile boolean arriving;

  /** Whether the socket had less than was asked for, and was not selected since. */
  private volatile boolean emptied;

  private RequestEndPoint(
      SocketChannel channel,
      ManagedSelector selector,
      SelectionKey key,
      Scheduler scheduler,
      Room room) {
    super(channel, selector, key, scheduler);
    this.room = room;
  }

  /** The connection is there, and closes at once if its address has too many. */
  private void enter(int bytes) {
    if (!(getRemoteSocketAddress() instanceof InetSocketAddress remote)
        || !room.limits().enter(remote.getAddress())) {
      close();
      return;
    }
    synchronized (this) {
      peer = remote.getAddress();
    }
    hold(bytes);
    if (!isOpen()) {
      leave(); // it has closed before it was known
    }
  }

  /** Holds more, or less. */
  private void hold(int more) {
    synchronized (this) {
      if (peer == null) {
        return; // all was let go at the end
      }
      held += more;
    }
    if (more > 0) {
      room.hold(more);
    } else {
      room.limits().letGo(-more);
    }
  }

  private void holdForHead(int bytes) {
    int more = bytes - heldByHead;
    if (more != 0) {
      heldByHead = bytes;
      hold(more);
    }
  }

  private void leave() {
    InetAddress who;
    synchronized (this) {
      who = peer;
      if (who == null) {
        return;
      }
      peer = null;
    }
    room.limits().letGo(held);
    room.limits().leave(who);
  }

  @Override
  public void onClose(@Nullable Throwable cause) {
    super.onClose(cause);
    leave();
  }

  /** Nothing more has come for now. */
  @Override
  protected void needsFillInterest() {
    holdForHead(arrived * HEAP_BYTES_PER_BYTE);
    super.needsFillInterest();
  }

  /** The head of a request is there; from now on the request says what it holds. */
  static void heard(Request request) {
    RequestEndPoint ours = of(request);
    if (ours != null) {
      ours.arrived = 0;
      ours.holdForHead(0);
    }
  }

  /** A request that waits for the rest of its body holds so many bytes, or so many less. */
  static void hold(Request request, int more) {
    RequestEndPoint ours = of(request);
    if (ours != null) {
      ours.hold(more);
    }
  }

  /** A request has arrived as far as it is wanted. */
  static void met(Request request) {
    RequestEndPoint ours = of(request);
    if (ours != null) {
      ours.arriving = false;
      ours.notIdle();
    }
  }

  private static @Nullable RequestEndPoint of(Request request) {
    return of(request.getConnectionMetaData().getConnection().getEndPoint());
  }

  private static @Nullable RequestEndPoint of(EndPoint of) {
    EndPoint endPoint = of;
    while (endPoint instanceof EndPoint.Wrapper wrapper) {
      endPoint = wrapper.unwrap();
    }
    return endPoint instanceof RequestEndPoint ours ? ours : null;
  }

  @Override
  public @Nullable Runnable onSelected() {
    emptied = false;
    Runnable task = super.onSelected();
    return task == null ? null : new Turn(this, task);
  }

  /** What is to be done with a connection; nothing else is done with it meanwhile. */
  private record Turn(RequestEndPoint connection, Runnable task) implements Invocable.Task {
    @Override
    public void run() {
      synchronized (connection.turn) {
        task.run();
      }
    }

    @Override
    public InvocationType getInvocationType() {
      return Invocable.getInvocationType(task);
    }
  }

  /**
   * Jetty's threads. After the answer to a request that is no HTTP, Jetty lets another thread go on
   * with the connection while the one that has read the request still does. Both then give the same
   * buffer back, and the next two connections share it. So here the other one waits for its turn.
   */
  static final class Threads extends QueuedThreadPool {
    Threads(int most, int least) {
      super(most, least);
    }

    @Override
    public void execute(Runnable job) {
      RequestEndPoint ours = job instanceof Connection goesOn ? of(goesOn.getEndPoint()) : null;
      super.execute(ours == null ? job : new Turn(ours, job));
    }
  }

  @Override
  public int fill(ByteBuffer buffer) throws IOException {
    if (emptied) {
      return 0; // then Jetty waits for the selector, which sees what has come meanwhile
    }
    int space = BufferUtil.space(buffer);
    int filled = super.fill(buffer);
    if (filled > 0) {
      arriving = true;
      arrived = Math.min(MAX_HEAD, arrived + filled);
    }
    emptied = filled >= 0 && filled < space;
    return filled;
  }

  @Override
  public void notIdle() {
    if (!arriving) {
      super.notIdle();
    }
  }
}
