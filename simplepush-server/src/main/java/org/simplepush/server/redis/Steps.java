package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption;

/** What the steps of the store and those of a node have in common: arguments, answers, losses. */
final class Steps {
  /** An hour (protocol §10), as the scripts say too. */
  static final long EMPTY_LEASE = 3_600_000;

  /**
   * How much longer Redis itself keeps who is not seen: its clock may jump, and then it would
   * forget whoever is due by the new time, without a question.
   */
  private static final long BACKSTOP = Duration.ofDays(30).toMillis();

  static final byte[] NO = {'0'};
  static final byte[] YES = {'1'};
  static final byte[] NOTHING = {};

  final Redis redis;
  final LossDetector losses;
  private final LongSupplier offset;

  /** After how long to drop who is not seen, in milliseconds; 0 before a server has joined. */
  volatile long lease;

  /**
   * Prepares them.
   *
   * @param offset milliseconds to be added to the time of Redis
   */
  Steps(Redis redis, LongSupplier offset, Bus bus) {
    this.redis = redis;
    this.offset = offset;
    this.losses =
        new LossDetector(redis, () -> List.of(lease(), offset()), bus::lost, bus::restored);
  }

  /** How long Redis keeps who is not seen, in milliseconds. */
  byte[] lease() {
    return Ids.number(lease == 0 ? 0 : lease + BACKSTOP);
  }

  /** How long Redis keeps whoever has no channel and is not seen, in milliseconds. */
  long emptyLease() {
    return Math.min(lease, EMPTY_LEASE);
  }

  byte[] offset() {
    return Ids.number(offset.getAsLong());
  }

  byte[] generation(Uaid uaid) {
    return Ids.number(losses.generation(Ids.key(uaid)));
  }

  static byte[][] arguments(byte[]... arguments) {
    return arguments;
  }

  static long code(List<Object> reply) {
    return (Long) reply.get(0);
  }

  static String text(List<Object> reply, int index) {
    return new String((byte[]) reply.get(index), US_ASCII);
  }

  /**
   * Runs a script on the key of a user agent. An answer that denies something is only given if that
   * cannot be for a loss.
   */
  <T> CompletionStage<T> run(
      Script script,
      byte[] key,
      byte[][] arguments,
      Function<List<Object>, T> reading,
      Predicate<T> denies) {
    return redis.run(
        script,
        key,
        arguments,
        reading,
        (result, answer) -> {
          if (denies.test(answer)) {
            losses.deny(key, result, answer);
          } else {
            result.complete(answer);
          }
        });
  }

  /** Reads id, version and spelling of each, after the code. */
  static List<Update> updates(List<Object> reply) {
    return updates(reply, 1);
  }

  static List<Update> updates(List<Object> reply, int from) {
    List<Update> updates = new ArrayList<>(reply.size() / 3);
    for (int i = from; i < reply.size(); i += 3) {
      ChannelId id = Ids.channelId((byte[]) reply.get(i), (byte[]) reply.get(i + 2));
      updates.add(new Update(id, Ids.number((byte[]) reply.get(i + 1))));
    }
    return List.copyOf(updates);
  }

  Resumption resumed(Uaid uaid, @Nullable List<ChannelId> channelIds, List<Update> pending) {
    if (channelIds != null && channelIds.isEmpty()) {
      losses.changed(uaid, new Change.Created());
    }
    return new Resumption.Resumed(pending);
  }

  /** 0 or 1 if there is a list, then each id and how it is spelled. */
  static void addList(List<byte[]> arguments, @Nullable List<ChannelId> channelIds) {
    arguments.add(channelIds == null ? NO : YES);
    if (channelIds != null) {
      for (ChannelId channelId : channelIds) {
        arguments.add(Ids.bytes(channelId));
        arguments.add(Ids.spelling(channelId));
      }
    }
  }

  <T> CompletionStage<T> register(
      Uaid uaid,
      ChannelId channelId,
      int maxChannels,
      byte[] basis,
      Function<List<Object>, T> reading,
      Predicate<T> denies) {
    return run(
        Script.REGISTER,
        Ids.key(uaid),
        arguments(
            lease(),
            offset(),
            Ids.bytes(channelId),
            Ids.spelling(channelId),
            Ids.number(maxChannels),
            basis),
        reading,
        denies);
  }

  static Registration registration(List<Object> reply) {
    return switch ((int) code(reply)) {
      case 0 -> new VersionStore.Unknown();
      case 1 -> new Registration.Registered();
      default -> new Registration.LimitReached();
    };
  }

  <T> CompletionStage<T> unregister(
      Uaid uaid, ChannelId channelId, byte[] basis, Function<List<Object>, T> reading) {
    return redis.run(
        Script.UNREGISTER,
        Ids.key(uaid),
        arguments(lease(), offset(), Ids.bytes(channelId), basis),
        reading);
  }
}
