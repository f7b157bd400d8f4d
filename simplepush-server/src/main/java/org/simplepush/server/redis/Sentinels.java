package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.MapOutput;
import io.lettuce.core.output.ValueListOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.resource.ClientResources;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.StoreException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks all Sentinels of an address once a second who the master is. An old master that is alive
 * takes writes, which will be lost, for ten seconds after a failover: nothing but a Sentinel says
 * earlier that it is the wrong one.
 */
final class Sentinels {
  private static final Logger log = LoggerFactory.getLogger(Sentinels.class);

  private static final long ASK_MILLIS = 1_000;

  private final RedisClient client;
  private final String name;
  private final List<Sentinel> sentinels;
  private final MasterChoice choice;
  private final Runnable onAnswer;
  private final Future<?> asking;

  /**
   * Begins to ask.
   *
   * @param uri an address with Sentinels
   * @param onAnswer called after each answer, on a thread that must not be blocked
   */
  Sentinels(RedisURI uri, ClientOptions options, ClientResources resources, Runnable onAnswer) {
    this.client = RedisClient.create(resources);
    client.setOptions(options);
    this.name = uri.getSentinelMasterId();
    this.sentinels = uri.getSentinels().stream().map(Sentinel::new).toList();
    this.choice = new MasterChoice(sentinels.size());
    this.onAnswer = onAnswer;
    this.asking =
        resources
            .eventExecutorGroup()
            .scheduleWithFixedDelay(this::askAll, 0, ASK_MILLIS, MILLISECONDS);
  }

  /** Where the master is, without its IP being looked up; null if it is not known yet. */
  @Nullable InetSocketAddress master() {
    MasterChoice.Master master = choice.chosen();
    return master == null ? null : InetSocketAddress.createUnresolved(master.host(), master.port());
  }

  private void askAll() {
    try {
      sentinels.forEach(Sentinel::ask);
    } catch (RuntimeException | Error e) { // else this would have been the last time
      log.error("The Sentinels could not be asked; tried again soon", e);
    }
  }

  void close() {
    asking.cancel(false);
    client.shutdown(0, 2, TimeUnit.SECONDS);
  }

  /** One of them; that it hangs or is away does not hold up the others. */
  private final class Sentinel {
    private final RedisURI uri;
    private final AtomicBoolean asked = new AtomicBoolean();
    private volatile @Nullable StatefulRedisConnection<String, String> connection;
    private volatile boolean warned;

    Sentinel(RedisURI uri) {
      this.uri = uri;
    }

    void ask() {
      if (!asked.compareAndSet(false, true)) {
        return;
      }
      CompletableFuture.completedStage("")
          .thenCompose(start -> connected())
          .thenCompose(this::question)
          .thenAccept(
              named -> {
                MasterChoice.Master other = choice.answered(this, named, System.nanoTime());
                if (other != null) {
                  log.info("The Sentinels name another master: {}:{}", other.host(), other.port());
                }
                onAnswer.run();
              })
          .whenComplete(
              (done, failure) -> {
                asked.set(false);
                if (failure != null) {
                  failed(failure);
                }
              });
    }

    private CompletionStage<StatefulRedisConnection<String, String>> connected() {
      StatefulRedisConnection<String, String> there = connection;
      return there != null
          ? CompletableFuture.completedStage(there)
          : client
              .connectAsync(StringCodec.UTF8, uri)
              .whenComplete((made, failure) -> connection = made);
    }

    /**
     * First the epoch: if a failover comes in between, its master is named with the epoch before,
     * and counts at the next answer. While it is the leader of a failover, a Sentinel has the old
     * address beside the epoch and gives the new one only when it is asked for the address.
     */
    private CompletionStage<MasterChoice.Master> question(
        StatefulRedisConnection<String, String> to) {
      CompletionStage<Map<String, String>> state =
          to.async()
              .dispatch(
                  CommandType.SENTINEL, new MapOutput<>(StringCodec.UTF8), arguments("MASTER"));
      CompletionStage<List<String>> address =
          to.async()
              .dispatch(
                  CommandType.SENTINEL,
                  new ValueListOutput<>(StringCodec.UTF8),
                  arguments("GET-MASTER-ADDR-BY-NAME"));
      return state.thenCombine(address, this::read);
    }

    private CommandArgs<String, String> arguments(String question) {
      return new CommandArgs<>(StringCodec.UTF8).add(question).add(name);
    }

    private MasterChoice.Master read(Map<String, String> state, List<String> address) {
      String epoch = state.get("config-epoch");
      if (epoch == null || address.size() != 2) {
        throw new StoreException("A Sentinel does not know where the master is");
      }
      return new MasterChoice.Master(
          Long.parseLong(epoch), address.get(0), Integer.parseInt(address.get(1)));
    }

    private void failed(Throwable failure) {
      StatefulRedisConnection<String, String> silent = connection;
      if (silent != null && Failures.isTimeout(failure)) {
        ScriptedConnection.disconnect(silent);
      }
      String refusal = Failures.refusal("The Sentinel at " + RedisAddress.place(uri), failure);
      if (refusal != null && !warned) {
        warned = true;
        log.warn("{}; this server may follow a failover late", refusal);
      } else {
        log.debug("A Sentinel did not say who the master is", failure);
      }
    }
  }
}
