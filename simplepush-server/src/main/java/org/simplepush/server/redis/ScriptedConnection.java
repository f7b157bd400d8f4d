package org.simplepush.server.redis;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisChannelWriter;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.StatefulRedisConnectionImpl;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.protocol.CommandExpiryWriter;
import io.lettuce.core.protocol.DefaultEndpoint;
import io.lettuce.core.protocol.PushHandler;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that teaches Redis the scripts whenever it is made anew, before anybody else can
 * send something: a step never has to be sent again because Redis did not know it, and so none
 * overtakes another.
 */
final class ScriptedConnection<K, V> extends StatefulRedisConnectionImpl<K, V> {
  private static final Logger log = LoggerFactory.getLogger(ScriptedConnection.class);

  private static final AtomicLong NUMBERS = new AtomicLong();

  private final Runnable connected;
  private volatile long activatedAt;
  private volatile long number;

  /**
   * Makes one that is not connected yet.
   *
   * @param connected called whenever the connection was made, the first time too; must not block
   */
  ScriptedConnection(
      RedisChannelWriter writer,
      PushHandler pushHandler,
      RedisCodec<K, V> codec,
      Duration timeout,
      Runnable connected) {
    super(writer, pushHandler, codec, timeout);
    this.connected = connected;
  }

  @Override
  public void activated() {
    activatedAt = System.nanoTime();
    number = NUMBERS.incrementAndGet();
    super.activated();
    for (Script script : Script.values()) {
      async()
          .scriptLoad(script.text())
          .whenComplete(
              (digest, failure) -> {
                if (failure != null) {
                  log.debug("Redis did not take a script; it is offered again later", failure);
                }
              });
    }
    connected.run();
  }

  /** Ends the TCP connection if the server does not answer; it is made anew by itself. */
  static void replaceIfSilent(StatefulConnection<?, ?> connection) {
    long asked = System.nanoTime();
    ((ScriptedConnection<?, ?>) connection)
        .async()
        .ping()
        .whenComplete(
            (pong, failure) -> {
              if (failure instanceof RedisCommandTimeoutException) {
                disconnect(connection, asked);
              }
            });
  }

  /**
   * Ends the TCP connection if it was made before that time; it is made anew by itself.
   *
   * @param before by {@link System#nanoTime()}
   */
  static void disconnect(StatefulConnection<?, ?> connection, long before) {
    if (((ScriptedConnection<?, ?>) connection).activatedAt - before < 0) {
      disconnect(connection);
    }
  }

  /** Counts up whenever a connection is made or made anew; 0 before the first time. */
  static long number(Object connection) {
    return ((ScriptedConnection<?, ?>) connection).number;
  }

  /** Ends the TCP connection, whatever its state; it is made anew by itself. */
  static void disconnect(StatefulConnection<?, ?> connection) {
    RedisChannelWriter writer = ((RedisChannelHandler<?, ?>) connection).getChannelWriter();
    while (writer instanceof CommandExpiryWriter expiry) {
      writer = expiry.getDelegate();
    }
    ((DefaultEndpoint) writer).disconnect();
  }
}
