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
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** One server, or the one of several that Sentinels call the master. */
final class SingleRedis extends Redis {
  private final Client client;
  private final Client listening;
  private final RedisURI uri;
  private final StatefulRedisConnection<byte[], byte[]> connection;
  private final @Nullable Sentinels sentinels;
  private volatile @Nullable StatefulRedisPubSubConnection<String, String> listenedTo;
  private volatile boolean wrong;

  private SingleRedis(
      RedisAddress address,
      ClientOptions options,
      ClientResources resources,
      Client client,
      Client listening) {
    super(address, resources);
    this.client = client;
    this.listening = listening;
    this.uri = address.seeds().get(0);
    this.connection = client.connect(ByteArrayCodec.INSTANCE);
    await(ready(connection));
    client.connected = this::connectedAnew;
    if (uri.getSentinels().isEmpty()) {
      this.sentinels = null;
    } else {
      Sentinels asked = new Sentinels(uri, options, resources, this::followMaster);
      this.sentinels = asked;
      client.sentinels = asked;
      listening.sentinels = asked;
    }
  }

  static SingleRedis connect(
      RedisAddress address, ClientOptions options, ClientResources resources) {
    Client client = new Client(resources, address.seeds().get(0));
    Client listening = new Client(resources, address.seeds().get(0));
    client.setOptions(options);
    listening.setOptions(options);
    try {
      return new SingleRedis(address, options, resources, client, listening);
    } catch (RuntimeException e) {
      listening.shutdown(0, 2, TimeUnit.SECONDS);
      client.shutdown(0, 2, TimeUnit.SECONDS);
      throw e;
    }
  }

  /** One for each connection, so that it is known where that one leads. */
  private static final class Client extends RedisClient {
    /** Called whenever a connection for steps was made; nothing while the first ones are. */
    private volatile Runnable connected = () -> {};

    /** Who says where to connect, once they do. */
    private volatile @Nullable Sentinels sentinels;

    /** Where it is connected, or last tried. */
    private volatile @Nullable SocketAddress target;

    Client(ClientResources resources, RedisURI uri) {
      super(resources, uri);
    }

    /** Lettuce would believe the first Sentinel that answers, which may be out of date. */
    @Override
    protected Mono<SocketAddress> getSocketAddress(RedisURI uri) {
      if (uri.getSentinels().isEmpty()) {
        return super.getSocketAddress(uri);
      }
      Mono<SocketAddress> named = super.getSocketAddress(uri);
      return Mono.defer(
              () -> {
                SocketAddress master = master();
                return master == null ? named : Mono.just(master);
              })
          .doOnNext(address -> target = address);
    }

    private @Nullable SocketAddress master() {
      Sentinels asked = sentinels;
      return asked == null ? null : asked.master();
    }

    /** Whether it is connected to what is not the master any more. */
    boolean isAstray() {
      SocketAddress master = master();
      return master != null && !master.equals(target);
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
    return listening
        .connectPubSubAsync(StringCodec.ASCII, uri)
        .whenComplete(
            (opened, failure) -> {
              if (opened != null) {
                listenedTo = opened;
              }
            });
  }

  /**
   * Leaves a server that was the master. Comes often, for a connection that is being made cannot be
   * ended before it is there.
   */
  private void followMaster() {
    if (client.isAstray()) {
      ScriptedConnection.disconnect(connection);
    }
    StatefulRedisPubSubConnection<String, String> subscribed = listenedTo;
    if (subscribed != null && listening.isAstray()) {
      ScriptedConnection.disconnect(subscribed);
    }
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
    if (sentinels != null) {
      sentinels.close();
    }
    listening.shutdown(0, 2, TimeUnit.SECONDS);
    client.shutdown(0, 2, TimeUnit.SECONDS);
  }
}
