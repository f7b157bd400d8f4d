package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.MaintNotificationsConfig;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.NestedMultiOutput;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultClientResources;
import io.lettuce.core.resource.Delay;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.simplepush.core.StoreException;

/** Connects to Redis in the way it asks for, or says why that cannot be done. */
final class RedisConnector {
  /** How often to try to learn why Redis refuses a connection. */
  private static final int CONNECT_ATTEMPTS = 10;

  private final RedisAddress address;
  private final ClientOptions options;
  private final ClientResources resources;

  private RedisConnector(RedisAddress address, ClientOptions options, ClientResources resources) {
    this.address = address;
    this.options = options;
    this.resources = resources;
  }

  /**
   * Connects, and has Redis do once whatever the steps need.
   *
   * @param given what the user wants of connections
   * @throws StoreException if that cannot be done
   */
  static Redis connect(RedisAddress address, ClientOptions given) {
    ClientResources resources =
        DefaultClientResources.builder()
            .reconnectDelay(
                Delay.fullJitter(
                    Duration.ofMillis(20), Duration.ofSeconds(1), 50, TimeUnit.MILLISECONDS))
            .build();
    RedisConnector connector = new RedisConnector(address, options(address, given), resources);
    Redis redis;
    try {
      redis = connector.connect();
    } catch (RuntimeException | LinkageError e) {
      shutDown(resources);
      throw e;
    }
    try {
      redis.await(redis.probe());
    } catch (StoreException e) {
      redis.close();
      throw new StoreException("Redis at " + address + " cannot be used: " + e.getMessage(), e);
    }
    redis.warnOfEviction();
    return redis;
  }

  static void shutDown(ClientResources resources) {
    resources.shutdown(0, 2, SECONDS).awaitUninterruptibly(2, SECONDS);
  }

  private static ClientOptions options(RedisAddress address, ClientOptions given) {
    ClientOptions.Builder builder =
        given
            .mutate()
            // Both together: what is not answered when a connection ends fails, and is not sent
            // again.
            .autoReconnect(true)
            .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
            .timeoutOptions(TimeoutOptions.enabled(address.timeout()))
            .socketOptions(
                given.getSocketOptions().mutate().connectTimeout(address.timeout()).build())
            .sslOptions(given.getSslOptions().mutate().handshakeTimeout(address.timeout()).build());
    if (isInLettuce("MaintNotificationsConfig")) {
      Maintenance.passOver(builder);
    }
    return builder.build();
  }

  private static boolean isInLettuce(String name) {
    return ClientOptions.class.getResource(name + ".class") != null;
  }

  /** What versions of Lettuce before 7 do not have, in a class that is only loaded with it. */
  private static final class Maintenance {
    /** Lettuce would wait longer for answers while a server announces its maintenance. */
    static void passOver(ClientOptions.Builder builder) {
      builder.maintNotificationsConfig(MaintNotificationsConfig.disabled());
    }
  }

  private Redis connect() {
    String mode = mode();
    if (mode.equals("sentinel")) {
      throw new StoreException(
          address + " is a Sentinel; write redis-sentinel://HOST:PORT#MASTER for those");
    }
    if (!mode.equals("cluster") && address.seeds().size() > 1) {
      throw new StoreException(
          "Several addresses of Redis mean a cluster, but " + address + " is none");
    }
    try {
      return mode.equals("cluster")
          ? ClusterRedis.connect(address, options, resources)
          : SingleRedis.connect(address, options, resources);
    } catch (StoreException e) {
      throw e;
    } catch (RuntimeException e) {
      throw Failures.notConnected(address, e);
    }
  }

  /** Asks the first that answers what it is. */
  private String mode() {
    List<RuntimeException> failures = new ArrayList<>();
    for (RedisURI seed : address.seeds()) {
      RedisClient client = RedisClient.create(resources, seed);
      client.setOptions(options);
      try (StatefulRedisConnection<String, String> connection = connect(client)) {
        Redis.ready(connection)
            .toCompletableFuture()
            .orTimeout(address.timeout().toMillis(), MILLISECONDS)
            .join();
        return mode(connection);
      } catch (RuntimeException e) {
        failures.add(e);
      } finally {
        client.shutdown(0, 0, MILLISECONDS);
      }
    }
    // One that was reached has more to say than those that were not.
    RuntimeException telling =
        failures.stream()
            .filter(failure -> !Failures.isUnreachable(failure))
            .findFirst()
            .orElse(failures.get(0));
    failures.stream().filter(other -> other != telling).forEach(telling::addSuppressed);
    throw Failures.notConnected(address, telling);
  }

  private StatefulRedisConnection<String, String> connect(RedisClient client) {
    long began = System.nanoTime();
    for (int attempt = 1; ; attempt++) {
      try {
        return client.connect();
      } catch (RuntimeException e) {
        if (attempt == CONNECT_ATTEMPTS
            || System.nanoTime() - began > address.timeout().toNanos()
            || !isReasonLost(Failures.reason(e))) {
          throw e;
        }
      }
    }
  }

  /**
   * What Lettuce says of a refusal that came faster than it began to wait for it, or on which it
   * closed the connection before it told why. The second is also true of a server that ends the
   * connection without a word.
   */
  private static boolean isReasonLost(String reason) {
    return reason.contains("RedisHandshakeHandler not registered")
        || reason.contains("Connection closed prematurely");
  }

  /**
   * What HELLO calls the mode. Everybody may say HELLO, while INFO and CONFIG are kept from users
   * who need not administer. What does not know HELLO stands before Redis and looks like one
   * server.
   */
  private static String mode(StatefulRedisConnection<String, String> connection) {
    List<Object> properties;
    try {
      properties =
          connection.sync().dispatch(CommandType.HELLO, new NestedMultiOutput<>(StringCodec.UTF8));
    } catch (RedisCommandExecutionException e) {
      return "unknown";
    }
    int name = properties.indexOf("mode");
    return name < 0 ? "unknown" : String.valueOf(properties.get(name + 1));
  }
}
