package org.simplepush.server.jetty;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.thread.Scheduler;

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
  /** Accepts such connections. */
  static final class Connector extends ServerConnector {
    /** A thread that blocks in accept also knows how to wait when files run out. */
    private static final int ACCEPTORS = 1;

    /** One takes 90,000 requests a second; a second one on two cores only costs switches. */
    private static final int SELECTORS =
        Math.max(1, Math.min(4, Runtime.getRuntime().availableProcessors() / 2));

    Connector(Server server, ConnectionFactory... factories) {
      super(server, ACCEPTORS, SELECTORS, factories);
    }

    @Override
    protected SocketChannelEndPoint newEndPoint(
        SocketChannel channel, ManagedSelector selector, SelectionKey key) {
      SocketChannelEndPoint endPoint = new RequestEndPoint(channel, selector, key, getScheduler());
      endPoint.setIdleTimeout(getIdleTimeout());
      return endPoint;
    }
  }

  private volatile boolean arriving;

  /** Whether the socket had less than was asked for, and was not selected since. */
  private volatile boolean emptied;

  private RequestEndPoint(
      SocketChannel channel, ManagedSelector selector, SelectionKey key, Scheduler scheduler) {
    super(channel, selector, key, scheduler);
  }

  /** A request has arrived as far as it is wanted. */
  static void met(Request request) {
    EndPoint endPoint = request.getConnectionMetaData().getConnection().getEndPoint();
    while (endPoint instanceof EndPoint.Wrapper wrapper) {
      endPoint = wrapper.unwrap();
    }
    if (endPoint instanceof RequestEndPoint ours) {
      ours.arriving = false;
      ours.notIdle();
    }
  }

  @Override
  public Runnable onSelected() {
    emptied = false;
    return super.onSelected();
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
