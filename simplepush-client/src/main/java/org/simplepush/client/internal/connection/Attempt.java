package org.simplepush.client.internal.connection;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.run.Loop;

/**
 * One connection, open or about to be. Brings what the transport reports, on any thread, to the
 * loop, to which all else is confined.
 */
final class Attempt implements Transport.Events {
  /** How long the peer may take to end a closed connection (protocol §1). */
  static final Duration CLOSE_GRACE = Duration.ofSeconds(2);

  /**
   * How many characters of messages may wait for the loop before the server's socket is left
   * unread. A longer message waits alone.
   */
  private static final int MAX_UNREAD = 256 * 1024;

  /** What a message counts beside its characters: with many short ones the rest is the most. */
  private static final int MESSAGE_OVERHEAD = 256;

  /** Hears of it on the loop, also when another attempt has taken its place. */
  interface Owner {
    /** Messages can be sent. */
    void opened(Attempt attempt);

    /** The server sent a text message. */
    void received(Attempt attempt, String text);

    /** The server sent a binary message. */
    void receivedBinary(Attempt attempt);

    /** The connection has ended, or could not be opened. */
    void ended(Attempt attempt, int closeCode, String reason, @Nullable Throwable cause);

    /** The connection was ended because coming back soon would only repeat what happened. */
    void violated(Attempt attempt, String reason, @Nullable Throwable cause);
  }

  private final Loop loop;
  private final Owner owner;

  /** Taken for each message by the transport's thread and given back by the loop. */
  private final Semaphore unread = new Semaphore(MAX_UNREAD);

  private Transport.@Nullable Connection connection;
  private @Nullable Runnable whenEnded;
  private Loop.@Nullable Timer grace;
  private boolean over;

  Attempt(Loop loop, Owner owner) {
    this.loop = loop;
    this.owner = owner;
  }

  /**
   * Begins to connect.
   *
   * @throws IllegalArgumentException if the transport cannot use the address
   */
  void begin(Transport transport, URI target) {
    connection = transport.connect(target, this);
  }

  /** Sends a message; returns false if the connection takes no more. */
  boolean send(String text) {
    return connection != null && connection.send(text);
  }

  /** The server ends the connection after this (protocol §1), or we do. */
  void close(int code, String reason) {
    if (connection != null) {
      connection.close(code, reason);
    }
    unread.release(Integer.MAX_VALUE / 2); // what still comes is dropped
    grace = loop.schedule(CLOSE_GRACE, this::abort);
  }

  /** The same; {@code done} runs when the connection has ended. */
  void close(int code, String reason, Runnable done) {
    whenEnded = done;
    close(code, reason);
  }

  void abort() {
    if (connection != null) {
      connection.abort();
    }
    finish();
  }

  private void finish() {
    if (over) {
      return;
    }
    over = true;
    unread.release(Integer.MAX_VALUE / 4);
    if (grace != null) {
      grace.cancel();
    }
    if (whenEnded != null) {
      whenEnded.run();
    }
  }

  @Override
  public void opened() {
    loop.execute(() -> owner.opened(this));
  }

  @Override
  public void received(String text) {
    int cost = Math.min(MAX_UNREAD, MESSAGE_OVERHEAD + text.length());
    unread.acquireUninterruptibly(cost);
    loop.execute(
        () -> {
          unread.release(cost);
          owner.received(this, text);
        });
  }

  @Override
  public void receivedBinary() {
    loop.execute(() -> owner.receivedBinary(this));
  }

  @Override
  public void ended(int closeCode, String reason) {
    loop.execute(() -> gone(closeCode, reason, null));
  }

  @Override
  public void failed(String reason, @Nullable Throwable cause) {
    loop.execute(() -> gone(Connector.NO_CLOSE_FRAME, reason, cause));
  }

  @Override
  public void violated(String reason, @Nullable Throwable cause) {
    loop.execute(
        () -> {
          finish();
          owner.violated(this, reason, cause);
        });
  }

  private void gone(int closeCode, String reason, @Nullable Throwable cause) {
    finish();
    owner.ended(this, closeCode, reason, cause);
  }
}
