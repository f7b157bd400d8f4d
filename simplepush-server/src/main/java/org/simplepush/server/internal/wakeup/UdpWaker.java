package org.simplepush.server.internal.wakeup;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.internal.DaemonThreads;
import org.simplepush.server.internal.FailureLog;
import org.simplepush.server.internal.session.Sleepers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sends datagrams from one socket that never waits, and repeats them on one thread. */
public final class UdpWaker implements Sleepers.Waker {
  private static final Logger log = LoggerFactory.getLogger(UdpWaker.class);

  /** Says nothing: a device that hears anything asks the server. */
  private static final byte[] DATAGRAM = "wake-up".getBytes(StandardCharsets.US_ASCII);

  private record Open(DatagramChannel channel, ScheduledThreadPoolExecutor scheduler) {}

  private final FailureLog failures;

  /** Null before {@link #open} and after {@link #close}. */
  private volatile @Nullable Open open;

  public UdpWaker(FailureLog failures) {
    this.failures = failures;
  }

  public void open(String name) throws IOException {
    DatagramChannel channel = DatagramChannel.open();
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.SO_BROADCAST, false);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
    ScheduledThreadPoolExecutor scheduler =
        new ScheduledThreadPoolExecutor(1, DaemonThreads.named(name + "-waker"));
    open = new Open(channel, scheduler);
  }

  @Override
  public void send(InetSocketAddress to) {
    Open now = open;
    if (now == null) {
      return;
    }
    try {
      if (now.channel().send(ByteBuffer.wrap(DATAGRAM), to) == 0) {
        log.debug("The socket for wake-ups takes no more; one is lost");
      }
    } catch (IOException | UnsupportedAddressTypeException e) {
      log.debug("A wake-up could not be sent", e); // lost, like any datagram may be
    }
  }

  @Override
  @SuppressWarnings("FutureReturnValueIgnored") // run() lets nothing through
  public void schedule(long delayNanos, Runnable task) {
    Open now = open;
    if (now == null) {
      return;
    }
    try {
      now.scheduler().schedule(() -> run(task), delayNanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      log.debug("The server closes; a wake-up is not repeated");
    }
  }

  private void run(Runnable task) {
    try {
      task.run();
    } catch (Throwable e) {
      failures.report(log, "A wake-up could not be repeated", e);
    }
  }

  public void close() {
    Open last = open;
    open = null;
    if (last == null) {
      return;
    }
    last.scheduler().shutdownNow();
    try {
      last.channel().close();
    } catch (IOException e) {
      log.debug("The socket for wake-ups did not close", e);
    }
  }
}
