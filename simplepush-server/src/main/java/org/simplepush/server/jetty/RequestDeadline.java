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
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Lets the idle timeout of a connection run from the first byte of a request until the request is
 * whole, TLS handshake included. To Jetty a connection on which one byte a second arrives is never
 * idle.
 */
final class RequestDeadline extends SocketChannelEndPoint {
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
      SocketChannelEndPoint endPoint = new RequestDeadline(channel, selector, key, getScheduler());
      endPoint.setIdleTimeout(getIdleTimeout());
      return endPoint;
    }
  }

  private volatile boolean arriving;

  private RequestDeadline(
      SocketChannel channel, ManagedSelector selector, SelectionKey key, Scheduler scheduler) {
    super(channel, selector, key, scheduler);
  }

  /** A request has arrived as far as it is wanted. */
  static void met(Request request) {
    EndPoint endPoint = request.getConnectionMetaData().getConnection().getEndPoint();
    while (endPoint instanceof EndPoint.Wrapper wrapper) {
      endPoint = wrapper.unwrap();
    }
    if (endPoint instanceof RequestDeadline deadline) {
      deadline.arriving = false;
      deadline.notIdle();
    }
  }

  @Override
  public int fill(ByteBuffer buffer) throws IOException {
    int filled = super.fill(buffer);
    if (filled > 0) {
      arriving = true;
    }
    return filled;
  }

  @Override
  public void notIdle() {
    if (!arriving) {
      super.notIdle();
    }
  }
}
