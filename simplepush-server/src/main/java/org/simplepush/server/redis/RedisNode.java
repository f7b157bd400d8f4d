package org.simplepush.server.redis;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.SharedVersionStore.Greeting;
import org.simplepush.core.SharedVersionStore.Node;
import org.simplepush.core.SharedVersionStore.Registered;
import org.simplepush.core.SharedVersionStore.Removal;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.core.VersionStore.Unknown;

/** The membership of one push server. */
final class RedisNode implements Node {
  private final Steps steps;
  private final Bus bus;
  private final String name;

  RedisNode(Steps steps, Bus bus, String name) {
    this.steps = steps;
    this.bus = bus;
    this.name = name;
  }

  @Override
  public CompletionStage<Greeting> hello(Uaid uaid, @Nullable List<ChannelId> channelIds) {
    List<byte[]> arguments =
        new ArrayList<>(List.of(steps.lease(), steps.offset(), steps.generation(uaid)));
    Steps.addList(arguments, channelIds);
    return steps.run(
        Script.GREET,
        Ids.key(uaid),
        arguments.toArray(byte[][]::new),
        reply ->
            new Greeting(
                switch ((int) Steps.code(reply)) {
                  case 0 -> new Unknown();
                  case 1 -> steps.resumed(uaid, channelIds, Steps.updates(reply, 2));
                  default -> new Resumption.Diverged();
                },
                new Basis.Seen(Steps.text(reply, 1))),
        found -> !(found.resumption() instanceof Resumption.Resumed));
  }

  @Override
  public CompletionStage<Comparison> settle(
      Uaid uaid, long connection, Basis.Seen seen, @Nullable List<ChannelId> channelIds) {
    List<byte[]> arguments =
        new ArrayList<>(
            List.of(
                steps.lease(),
                steps.offset(),
                Ids.ascii(route(connection)),
                Ids.ascii(seen.route())));
    Steps.addList(arguments, channelIds);
    return steps.run(
        Script.SETTLE,
        Ids.key(uaid),
        arguments.toArray(byte[][]::new),
        reply -> {
          Comparison found = comparison(reply, connection);
          if (found instanceof Comparison.Claimed claimed) {
            steps.losses.changed(uaid, new Change.Settled(route(claimed.claim())));
          }
          return found;
        },
        found -> !(found instanceof Comparison.Claimed));
  }

  @Override
  public CompletionStage<Comparison> compare(Uaid uaid, Basis.Claim claim) {
    return steps.run(
        Script.COMPARE,
        Ids.key(uaid),
        Steps.arguments(steps.lease(), steps.offset(), basis(claim), steps.generation(uaid)),
        reply -> comparison(reply, claim.connection()),
        found -> !(found instanceof Comparison.Claimed));
  }

  private static Comparison comparison(List<Object> reply, long connection) {
    return switch ((int) Steps.code(reply)) {
      case 0 -> new Comparison.Superseded();
      case 1 ->
          new Comparison.Claimed(
              new Basis.Claim(connection, Long.parseLong(Steps.text(reply, 1))),
              Steps.updates(reply, 3),
              Long.parseUnsignedLong(Steps.text(reply, 2), 16));
      default -> new Unknown();
    };
  }

  @Override
  public CompletionStage<Optional<Registered>> register(
      Uaid uaid, Basis basis, ChannelId channelId, int maxChannels) {
    return steps.register(
        uaid,
        channelId,
        maxChannels,
        basis(basis),
        reply -> {
          Optional<Registered> how = registered(reply, basis);
          if (how.isPresent() && how.get().registration() instanceof Registration.Registered) {
            steps.losses.changed(uaid, new Change.Registered(channelId, route(how.get().basis())));
          }
          return how;
        },
        how -> how.isEmpty() || how.get().registration() instanceof Unknown);
  }

  private static Optional<Registered> registered(List<Object> reply, Basis basis) {
    if (Steps.code(reply) == 3) {
      return Optional.empty();
    }
    Basis next =
        basis instanceof Basis.Claim claim
            ? new Basis.Claim(claim.connection(), Long.parseLong(Steps.text(reply, 2)))
            : new Basis.Seen(Steps.text(reply, 2));
    return Optional.of(new Registered(Steps.registration(reply), (Long) reply.get(1) == 1, next));
  }

  @Override
  public CompletionStage<Removal> unregister(Uaid uaid, Basis basis, ChannelId channelId) {
    return steps.unregister(
        uaid,
        channelId,
        basis(basis),
        reply -> {
          if (Steps.code(reply) == 2) {
            return Removal.SUPERSEDED;
          }
          steps.losses.changed(uaid, new Change.Unregistered(channelId, route(basis)));
          return Steps.code(reply) == 0 ? Removal.REMOVED : Removal.ABSENT;
        });
  }

  @Override
  public CompletionStage<Boolean> drop(Uaid uaid, Basis basis) {
    byte[] key = Ids.key(uaid);
    // What it seems to lack may be about to be restored.
    return steps
        .losses
        .certain(key)
        .thenCompose(
            certain ->
                steps.redis.run(
                    Script.DROP_BASED,
                    key,
                    Steps.arguments(basis(basis)),
                    reply -> {
                      if (Steps.code(reply) == 1) {
                        steps.losses.changed(uaid, new Change.Dropped());
                      }
                      return Steps.code(reply) == 1;
                    }));
  }

  @Override
  public CompletionStage<Void> release(Uaid uaid, long connection) {
    return steps.redis.run(
        Script.RELEASE,
        Ids.key(uaid),
        Steps.arguments(Ids.ascii(route(connection))),
        reply -> {
          steps.losses.changed(uaid, new Change.Released(route(connection)));
          return null;
        });
  }

  /** Without an epoch. */
  private String route(long connection) {
    return name + " " + connection;
  }

  /** As the scripts read it. */
  private byte[] basis(Basis basis) {
    return Ids.ascii(basis instanceof Basis.Claim ? route(basis) : "=" + route(basis));
  }

  private String route(Basis basis) {
    return basis instanceof Basis.Claim claim
        ? route(claim.connection()) + ":" + claim.epoch()
        : ((Basis.Seen) basis).route();
  }

  @Override
  public void close() {
    bus.leave(name);
  }
}
