package org.simplepush.client.internal.connection;

import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ClientMessage.MobileNetwork;
import org.simplepush.core.ClientMessage.WakeUpAddress;

/** Opens connections. Knows sockets and no rules; the device knows the rules and no sockets. */
public interface Transport {
  /** Starts to open a connection and returns at once. */
  Connection connect(URI target, Events events);

  /** Where datagrams wake the device, and for how long it may sleep without (protocol §9). */
  record Doorbell(
      WakeUpAddress address, @Nullable MobileNetwork mobileNetwork, Duration maxSleep) {}

  /**
   * Listens for datagrams until it is told to stop; goes on if it does already. Returns null if
   * this device is not to be woken.
   *
   * @param rung run for each datagram, and if no more can come, by any thread
   */
  default @Nullable Doorbell listen(Runnable rung) {
    return null;
  }

  /** Listens no more; harmless if it does not. */
  default void listenNoMore() {}

  /** One connection, open or about to be. */
  interface Connection {
    /** Sends a message; returns false if the connection takes no more. */
    boolean send(String text);

    /** Sends a close frame and waits for the peer to end the connection. */
    void close(int code, String reason);

    /** Ends the connection at once. */
    void abort();
  }

  /**
   * Hears of one connection, from any thread, one event at a time. May block: the peer then has to
   * wait.
   */
  interface Events {
    /** Messages can be sent. */
    void opened();

    /** The peer sent a text message. */
    void received(String text);

    /** The peer sent a binary message. */
    void receivedBinary();

    /** The peer sent a close frame, or the connection ended after ours. The last event. */
    void ended(int closeCode, String reason);

    /**
     * The connection could not be opened, or broke. The last event.
     *
     * @param reason a sentence for people
     * @param cause what the transport met, or null if only the sentence says it
     */
    void failed(String reason, @Nullable Throwable cause);

    /**
     * The connection was ended because the peer demanded more than this device gives, or the device
     * could not bear it. To come back soon would only repeat that. The last event.
     *
     * @param reason a sentence for people
     * @param cause what the transport met, or null if only the sentence says it
     */
    void violated(String reason, @Nullable Throwable cause);
  }
}
