package org.simplepush.server.redis;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisChannelWriter;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.StatefulRedisConnectionImpl;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.json.JsonParser;
import io.lettuce.core.protocol.PushHandler;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.resource.ClientResources;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.StoreException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Redis Cluster. A step that is sent to the wrong server fails and is not sent on, for a later
 * one might have overtaken it by then; what is asked after the slots were learnt anew succeeds.
 */
final class ClusterRedis extends Redis {
  private static final Logger log = LoggerFactory.getLogger(ClusterRedis.class);

  /** Every step fails while a server is away; learning the slots asks all servers. */
  private static final long REFRESH_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Client client;
  private final StatefulRedisClusterConnection<byte[], byte[]> connection;
  private final RedisClient listening;
  private final AtomicBoolean refreshing = new AtomicBoolean();

  /** When to learn the slots again at the earliest. */
  private volatile long refreshAt = System.nanoTime();

  /** The address of the server that was last listened to. */
  private volatile @Nullable RedisURI listenedTo;

  /** Which server had which slots when that was last looked at. */
  private volatile Map<String, BitSet> owners;

  private ClusterRedis(
      RedisAddress address, ClientOptions options, ClientResources resources, Client client) {
    super(address, resources);
    this.client = client;
    this.listening = RedisClient.create(resources);
    listening.setOptions(options);
    this.connection = client.connect(ByteArrayCodec.INSTANCE);
    await(connectToMasters());
    this.owners = owners();
    client.connected = this::connectedAnew;
  }

  static ClusterRedis connect(
      RedisAddress address, ClientOptions options, ClientResources resources) {
    Client client = new Client(resources, address.seeds());
    client.setOptions(
        ClusterClientOptions.builder(options)
            .maxRedirects(0)
            .topologyRefreshOptions(
                ClusterTopologyRefreshOptions.builder()
                    .adaptiveRefreshTriggersTimeout(Duration.ofSeconds(1))
                    .enablePeriodicRefresh()
                    .build())
            .build());
    try {
      return new ClusterRedis(address, options, resources, client);
    } catch (RuntimeException e) {
      client.shutdown(0, 2, TimeUnit.SECONDS);
      throw e;
    }
  }

  private static final class Client extends RedisClusterClient {
    /** Called whenever a connection for steps was made; nothing while the first ones are. */
    private volatile Runnable connected = () -> {};

    Client(ClientResources resources, Iterable<RedisURI> seeds) {
      super(resources, seeds);
    }

    @Override
    protected <K, V> StatefulRedisConnectionImpl<K, V> newStatefulRedisConnection(
        RedisChannelWriter writer,
        PushHandler pushHandler,
        RedisCodec<K, V> codec,
        Duration timeout,
        Supplier<JsonParser> parser) {
      // Its own connections, by which it learns the slots, come and go.
      Runnable told = codec == ByteArrayCodec.INSTANCE ? () -> connected.run() : () -> {};
      return new ScriptedConnection<>(writer, pushHandler, codec, timeout, told);
    }
  }

  @Override
  RedisClusterAsyncCommands<byte[], byte[]> commands() {
    return connection.async();
  }

  @Override
  CompletionStage<StatefulRedisPubSubConnection<String, String>> connectPubSub() {
    RedisURI uri = anyMaster(listenedTo);
    listenedTo = uri;
    return listening.connectPubSubAsync(StringCodec.ASCII, uri);
  }

  /** Each server of a cluster passes on to the others what was published. */
  @Override
  CompletionStage<Long> publish(byte[] channel, byte[] hint) {
    return connectionTo(anyMaster(null))
        .thenCompose(serving -> serving.async().publish(channel, hint));
  }

  /** Returns where a master is, by chance, for any of them may hang; another one if there is. */
  private RedisURI anyMaster(@Nullable RedisURI otherThan) {
    List<RedisURI> uris =
        new ArrayList<>(masters().stream().map(RedisClusterNode::getUri).toList());
    if (uris.size() > 1) {
      uris.remove(otherThan);
    }
    if (uris.isEmpty()) {
      throw new StoreException("No server of the cluster has slots");
    }
    return uris.get(ThreadLocalRandom.current().nextInt(uris.size()));
  }

  @Override
  void replaceConnection(byte[] key, long before) {
    RedisClusterNode master = masterOf(key);
    if (master != null) {
      connectionTo(master.getUri())
          .thenAccept(serving -> ScriptedConnection.disconnect(serving, before));
    }
  }

  /** Returns null if no server is known to have the slot of the key. */
  private @Nullable RedisClusterNode masterOf(byte[] key) {
    return connection.getPartitions().getMasterBySlot(SlotHash.getSlot(key));
  }

  /** The connection by which steps go to a server. */
  private CompletionStage<StatefulRedisConnection<byte[], byte[]>> connectionTo(RedisURI uri) {
    return connection.getConnectionAsync(uri.getHost(), uri.getPort());
  }

  private List<RedisClusterNode> masters() {
    List<RedisClusterNode> masters = new ArrayList<>();
    for (RedisClusterNode node : connection.getPartitions()) {
      if (node.is(RedisClusterNode.NodeFlag.UPSTREAM) && !node.hasNoSlots()) {
        masters.add(node);
      }
    }
    return masters;
  }

  /** Not by Lettuce's own way, which asks replicas too and fails if one of them is down. */
  @Override
  CompletionStage<String> load(Script script) {
    CompletionStage<String> loads = CompletableFuture.completedStage(script.digest());
    for (RedisClusterNode master : masters()) {
      CompletionStage<String> load =
          connectionTo(master.getUri())
              .thenCompose(serving -> serving.async().scriptLoad(script.text()));
      loads = loads.thenCombine(load, (all, digest) -> digest);
    }
    return loads;
  }

  @Override
  List<String> keysOnEachServer(String prefix) {
    List<String> keys = new ArrayList<>();
    for (RedisClusterNode master : masters()) {
      int n = 0;
      while (!master.hasSlot(SlotHash.getSlot(prefix + ":" + n))) {
        n++;
      }
      keys.add(prefix + ":" + n);
    }
    return keys;
  }

  @Override
  String serverOf(byte[] key) {
    RedisClusterNode master = masterOf(key);
    return master == null ? "" : master.getNodeId();
  }

  @Override
  CompletionStage<StatefulRedisConnection<byte[], byte[]>> connectionFor(byte[] key) {
    RedisClusterNode master = masterOf(key);
    if (master == null) {
      throw new StoreException("No server of the cluster serves the slot");
    }
    return connectionTo(master.getUri());
  }

  @Override
  long connectionOf(byte[] key) {
    RedisClusterNode master = masterOf(key);
    if (master == null) {
      return 0;
    }
    CompletableFuture<? extends StatefulRedisConnection<?, ?>> serving =
        connectionTo(master.getUri()).toCompletableFuture();
    return serving.isDone() && !serving.isCompletedExceptionally()
        ? ScriptedConnection.number(serving.join())
        : 0;
  }

  /**
   * So that no command is the first on its connection: that one would be refused. Steps go by the
   * address of a master, scans by its id, and Lettuce has a connection for each.
   */
  private CompletionStage<?> connectToMasters() {
    return onEachMaster(Redis::ready);
  }

  private CompletionStage<?> onEachMaster(
      Function<StatefulRedisConnection<byte[], byte[]>, CompletionStage<@Nullable Void>> step) {
    return CompletableFuture.allOf(
        masters().stream()
            .flatMap(
                master ->
                    Stream.of(
                        connectionTo(master.getUri()),
                        connection.getConnectionAsync(master.getNodeId())))
            .map(connecting -> connecting.thenCompose(step))
            .toArray(CompletableFuture[]::new));
  }

  /** Which server has which slots. */
  private Map<String, BitSet> owners() {
    return masters().stream()
        .collect(
            Collectors.toMap(
                RedisClusterNode::getNodeId,
                master -> {
                  BitSet slots = new BitSet();
                  master.getSlots().forEach(slots::set);
                  return slots;
                }));
  }

  @Override
  void keepConnected() {
    onEachMaster(ClusterRedis::replacedIfSilent)
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                log.debug("Not every master of the cluster is connected", failure);
              }
            });
    Map<String, BitSet> now = owners();
    if (!now.equals(owners)) {
      owners = now;
      connectedAnew();
    }
  }

  private static CompletionStage<@Nullable Void> replacedIfSilent(
      StatefulRedisConnection<?, ?> serving) {
    ScriptedConnection.replaceIfSilent(serving);
    return CompletableFuture.completedStage(null);
  }

  @Override
  void unreachable() {
    lookAgain();
  }

  @Override
  void lookAgain() {
    if (System.nanoTime() - refreshAt >= 0 && refreshing.compareAndSet(false, true)) {
      refreshAt = System.nanoTime() + REFRESH_NANOS;
      client
          .refreshPartitionsAsync()
          .thenCompose(done -> connectToMasters())
          .whenComplete(
              (done, failure) -> {
                refreshing.set(false);
                if (failure != null) {
                  log.debug("The slots of the cluster could not be learnt anew", failure);
                }
              });
    }
  }

  @Override
  void closeClient() {
    listening.shutdown(0, 2, TimeUnit.SECONDS);
    connection.close(); // first, or the client would close its parts twice, and warn of that
    client.shutdown(0, 2, TimeUnit.SECONDS);
  }
}
