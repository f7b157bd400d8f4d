package org.simplepush.server.internal.net;

import java.io.IOException;
import java.nio.channels.Channel;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.internal.FailureLog;
import org.simplepush.server.internal.Throttle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts connections on an event loop. It goes on after it could not accept one, because the
 * process has no file descriptor left, for example.
 */
public final class Acceptor implements EventLoop.Handler {
  private static final Logger log = LoggerFactory.getLogger(Acceptor.class);

  /** So that a storm of connects does not keep the connected ones waiting. */
  private static final int ACCEPTS_PER_TURN = 64;

  /** How long to stop accepting after a failure. */
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private static final int QUIET_SECONDS = 60;

  private final ServerSocketChannel listener;
  private final EventLoop loop;
  private final FailureLog failures;
  private final Consumer<SocketChannel> accepted;
  private final Throttle warnings = new Throttle(QUIET_SECONDS, System::nanoTime);
  private @Nullable SelectionKey key;

  /**
   * Makes one, to be registered.
   *
   * @param accepted takes each connection, on the loop; must not throw
   */
  public Acceptor(
      ServerSocketChannel listener,
      EventLoop loop,
      FailureLog failures,
      Consumer<SocketChannel> accepted) {
    this.listener = listener;
    this.loop = loop;
    this.failures = failures;
    this.accepted = accepted;
  }

  /** Accepts from now on. On the loop. */
  public void register() throws IOException {
    key = loop.register(listener, SelectionKey.OP_ACCEPT, this);
  }

  @Override
  public void onReady(SelectionKey ready) {
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
      SocketChannel channel;
      try {
        channel = listener.accept();
      } catch (IOException | RuntimeException | Error e) {
        pause(e);
        return;
      }
      if (channel == null) {
        return;
      }
      accepted.accept(channel);
    }
  }

  /** Too many open files, most likely: the listener must outlive it. */
  private void pause(Throwable failure) {
    SelectionKey paused = key;
    if (!listener.isOpen() || paused == null) {
      return;
    }
    if (failure instanceof Error) {
      failures.report(log, "Cannot accept a connection, trying again in 100 ms", failure);
    } else if (warnings.tryPass()) {
      log.warn("Cannot accept a connection, trying again every 100 ms: {}", failure.toString());
    }
    loop.schedule(
        PAUSE_NANOS,
        () -> {
          if (paused.isValid()) {
            paused.interestOps(SelectionKey.OP_ACCEPT);
          }
        });
    paused.interestOps(0); // now that it is sure to come back
  }

  @Override
  public void onFailure(Throwable failure) {
    failures.report(log, "Accepting connections failed, and is tried again", failure);
  }

  /** Closes a socket that is of no use any more. */
  public static void closeQuietly(Channel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      log.debug("A socket did not close", e);
    }
  }
}
