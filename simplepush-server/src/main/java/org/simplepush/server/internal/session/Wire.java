package org.simplepush.server.internal.session;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.CloseCode;
import org.simplepush.core.ServerMessage;
import org.simplepush.server.internal.ClientAddresses;

/** What a conversation needs of the connection it goes over. */
public interface Wire extends Executor {
  /** Calls a task as its loop would, one at a time, soon. From any thread. */
  @Override
  void execute(Runnable task);

  /**
   * Like {@link #execute}, but on the calling thread if nothing else is done for this loop just
   * now. From any thread that holds no lock.
   */
  void executeInline(Runnable task);

  /** Sends a message, or queues it behind what is not yet written. */
  void send(ServerMessage message);

  /**
   * Sends a WebSocket ping and a message behind it, both together: so the pong, which is handed to
   * {@link Conversation#onPong}, comes before all that the device says because of the message.
   *
   * @param behind null if there is none
   */
  void ping(long payload, @Nullable ServerMessage behind);

  /** Whether a message sent now would leave immediately, as far as is known. */
  boolean isWritable();

  /** Whether the device has sent something that was not handed over yet. */
  boolean isAsked();

  /** Sends what is queued, then the reason, then ends the connection. */
  void close(CloseCode code, String reason);

  /**
   * Calls {@link Conversation#onTimer} once, not before {@code delayNanos} have passed. A timer
   * that runs already starts again.
   */
  void startTimer(Timer timer, long delayNanos);

  /**
   * Calls {@link Conversation#flush} once the wire has handed over all that came at the same time.
   */
  void flushSoon();

  /** Nanoseconds since some fixed point. */
  long now();

  /** Whether the calling thread may touch the conversation now. From any thread. */
  boolean isCurrent();

  /** What limits per address count the device under, see {@link ClientAddresses#key}. */
  long address();

  /** What a conversation waits for. */
  enum Timer {
    /** The device said no hello in time, or no pong after it, or the store has not answered. */
    HELLO,
    /** The eldest delivery may need to be sent again, or may be forgotten. */
    REDELIVERY,
    /** Time to compare with the store and to be counted as seen. */
    RECONCILE,
    /** The device may have been quiet for long enough to be left to sleep. */
    QUIET
  }
}
