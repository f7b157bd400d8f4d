package org.simplepush.server.redis;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisChannelWriter;
import io.lettuce.core.StatefulRedisConnectionImpl;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.protocol.CommandExpiryWriter;
import io.lettuce.core.protocol.DefaultEndpoint;
import io.lettuce.core.protocol.PushHandler;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that teaches Redis the scripts whenever it is made anew, before anybody else can
 * send something: a step never has to be sent again because Redis did not know it, and so none
 * overtakes another.
 */
final class ScriptedConnection<K, V> extends StatefulRedisConnectionImpl<K, V> {
  private static final Logger log = LoggerFactory.getLogger(ScriptedConnection.class);

  private volatile long activatedAt;

  ScriptedConnection(
      RedisChannelWriter writer,
      PushHandler pushHandler,
      RedisCodec<K, V> codec,
      Duration timeout) {
    super(writer, pushHandler, codec, timeout);
  }

  @Override
  public void activated() {
    activatedAt = System.nanoTime();
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
  }

  /** When the connection was last made, by {@link System#nanoTime()}. */
  long activatedAt() {
    return activatedAt;
  }

  /** Ends the TCP connection, whatever its state; it is made anew by itself. */
  static void disconnect(Object connection) {
    RedisChannelWriter writer = ((RedisChannelHandler<?, ?>) connection).getChannelWriter();
    while (writer instanceof CommandExpiryWriter expiry) {
      writer = expiry.getDelegate();
    }
    ((DefaultEndpoint) writer).disconnect();
  }
}
