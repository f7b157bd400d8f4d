package org.simplepush.examples.benchmarks;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** One keep-alive connection of an application server. Confined to its loop. */
final class PutConnection extends Peer {
  /** Who has work for it. */
  interface Driver {
    /** The connection has nothing to do. */
    void idle(PutConnection connection);
  }

  /** After so many connections that took no request, the server is gone. */
  private static final int MAX_USELESS = 3;

  private final Target target;
  private final InetSocketAddress address;
  private final Driver driver;
  private @Nullable Channel channel;
  private long version;
  private long due;
  private int useless;

  PutConnection(LoadLoop loop, Target target, InetSocketAddress address, Driver driver) {
    super(loop, target.endpointTls());
    this.target = target;
    this.address = address;
    this.driver = driver;
  }

  void connect() {
    open(address, null);
  }

  /** PUTs the next version of a channel, due at a time of {@link System#nanoTime}. */
  void put(Channel to, long dueNanos) {
    try {
      byte[] request = to.request(target);
      channel = to;
      due = dueNanos;
      version = to.publish(dueNanos);
      send(loop.wire.begin().bytes(request).number(version).raw());
    } catch (WireException e) {
      loop.failures.fatal("A PUT failed: " + e.getMessage());
    }
  }

  @Override
  void connected() {
    driver.idle(this);
  }

  @Override
  void received(ByteBuffer in) throws WireException {
    if (!loop.responses.next(in)) {
      return;
    }
    Channel answered = channel;
    if (answered == null) {
      throw new WireException("The server sent an answer without a request");
    }
    channel = null;
    useless = 0;
    if (loop.responses.status == 200) {
      answered.accept(version);
      loop.meter.puts++;
      loop.meter.put.recordValue(Math.max(0, System.nanoTime() - due));
    } else {
      loop.failures.add("A PUT was answered with status " + loop.responses.status);
    }
    if (loop.responses.last) {
      end();
      connect();
    } else {
      driver.idle(this);
    }
  }

  @Override
  void broken(String why) {
    if (channel != null) {
      loop.failures.add("A PUT failed: " + why);
      channel = null;
    }
    if (++useless > MAX_USELESS) {
      loop.failures.fatal("The server takes no PUTs any more: " + why);
    } else {
      connect();
    }
  }
}
