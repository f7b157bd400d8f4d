package org.simplepush.server.redis;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisChannelWriter;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.StatefulRedisConnectionImpl;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.protocol.PushHandler;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.resource.ClientResources;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/** One server, or the one of several that Sentinels call the master. */
final class SingleRedis extends Redis {
  private final Client client;
  private final RedisURI uri;
  private final StatefulRedisConnection<byte[], byte[]> connection;
  private volatile boolean wrong;

  private SingleRedis(RedisAddress address, ClientResources resources, Client client) {
    super(address, resources);
    this.client = client;
    this.uri = address.seeds().get(0);
    this.connection = client.connect(ByteArrayCodec.INSTANCE);
    await(ready(connection));
    client.connected = this::connectedAnew;
  }

  static SingleRedis connect(
      RedisAddress address, ClientOptions options, ClientResources resources) {
    Client client = new Client(resources, address.seeds().get(0));
    client.setOptions(options);
    try {
      return new SingleRedis(address, resources, client);
    } catch (RuntimeException e) {
      client.shutdown(0, 2, TimeUnit.SECONDS);
      throw e;
    }
  }

  private static final class Client extends RedisClient {
    /** Called whenever a connection for steps was made; nothing while the first ones are. */
    private volatile Runnable connected = () -> {};

    Client(ClientResources resources, RedisURI uri) {
      super(resources, uri);
    }

    @Override
    protected <K, V> StatefulRedisConnectionImpl<K, V> newStatefulRedisConnection(
        RedisChannelWriter writer, PushHandler pushHandler, RedisCodec<K, V> codec, Duration time) {
      return new ScriptedConnection<>(writer, pushHandler, codec, time, () -> connected.run());
    }
  }

  @Override
  RedisClusterAsyncCommands<byte[], byte[]> commands() {
    return connection.async();
  }

  @Override
  CompletionStage<StatefulRedisPubSubConnection<String, String>> connectPubSub() {
    return client.connectPubSubAsync(StringCodec.ASCII, uri);
  }

  @Override
  CompletionStage<Long> publish(byte[] channel, byte[] hint) {
    return connection.async().publish(channel, hint);
  }

  @Override
  void replaceConnection(byte[] key, long before) {
    ScriptedConnection.disconnect(connection, before);
  }

  @Override
  List<String> keysOnEachServer(String prefix) {
    return List.of(prefix);
  }

  @Override
  String serverOf(byte[] key) {
    return "";
  }

  @Override
  CompletionStage<StatefulRedisConnection<byte[], byte[]>> connectionFor(byte[] key) {
    return CompletableFuture.completedStage(connection);
  }

  @Override
  long connectionOf(byte[] key) {
    return ScriptedConnection.number(connection);
  }

  /** It has become a replica: the address, or a Sentinel, may name another by now. */
  @Override
  void lookAgain() {
    wrong = true;
  }

  /** A wrong one is not left at once, for a replica may be all there is. */
  @Override
  void keepConnected() {
    if (wrong) {
      wrong = false;
      ScriptedConnection.disconnect(connection);
    } else {
      ScriptedConnection.replaceIfSilent(connection);
    }
  }

  @Override
  void closeClient() {
    client.shutdown(0, 2, TimeUnit.SECONDS);
  }
}
