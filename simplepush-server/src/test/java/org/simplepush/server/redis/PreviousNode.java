package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.core.VersionStore.Unknown;

/**
 * A node of the version before epochs: its scripts, as they were, and what it said and heard. It
 * claims a user agent as soon as it says hello, and writes and reads no epoch.
 */
final class PreviousNode implements AutoCloseable {
  private static final String LEASE = String.valueOf(RedisNodesTest.WEEK.toMillis());
  private static final String EMPTY_LEASE = "3600000";

  private final String name = Ids.random();
  private final RedisClient client;
  private final StatefulRedisConnection<byte[], byte[]> connection;
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

  PreviousNode(RedisProcess redis) {
    client = RedisClient.create(RedisURI.create(redis.uri()));
    connection = client.connect(ByteArrayCodec.INSTANCE);
    StatefulRedisPubSubConnection<String, String> listening = client.connectPubSub();
    listening.addListener(
        new RedisPubSubAdapter<>() {
          @Override
          public void message(String channel, String hint) {
            heard.add(hint);
          }
        });
    listening.sync().subscribe("simplepush:node:" + name);
  }

  private List<Object> run(String script, Uaid uaid, Object... arguments) throws IOException {
    byte[] text;
    try (InputStream in = PreviousNode.class.getResourceAsStream("previous/" + script + ".lua")) {
      text = in.readAllBytes();
    }
    byte[][] bytes = new byte[arguments.length][];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] =
          arguments[i] instanceof byte[] given
              ? given
              : String.valueOf(arguments[i]).getBytes(US_ASCII);
    }
    return connection
        .sync()
        .eval(new String(text, UTF_8), ScriptOutputType.MULTI, new byte[][] {Ids.key(uaid)}, bytes);
  }

  /** Claims the user agent for a connection, and resumes it. */
  Resumption hello(Uaid uaid, long number, List<ChannelId> channelIds) throws IOException {
    run("claim", uaid, EMPTY_LEASE, name, number);
    List<Object> arguments = new ArrayList<>(List.of(LEASE, 0, channelIds == null ? 0 : 1));
    if (channelIds != null) {
      for (ChannelId channelId : channelIds) {
        arguments.add(Ids.bytes(channelId));
        arguments.add(Ids.spelling(channelId));
      }
    }
    List<Object> reply = run("hello", uaid, arguments.toArray());
    return switch (((Long) reply.get(0)).intValue()) {
      case 0 -> new Unknown();
      case 1 -> new Resumption.Resumed(updates(reply));
      default -> new Resumption.Diverged();
    };
  }

  private static List<Update> updates(List<Object> reply) {
    List<Update> updates = new ArrayList<>();
    for (int i = 1; i < reply.size(); i += 3) {
      updates.add(
          new Update(
              Ids.channelId((byte[]) reply.get(i), (byte[]) reply.get(i + 2)),
              Ids.number((byte[]) reply.get(i + 1))));
    }
    return updates;
  }

  /** Whether the connection is the newest as far as is known; then it is the claim. */
  boolean confirm(Uaid uaid, long number) throws IOException {
    return run("confirm", uaid, EMPTY_LEASE, name, number).equals(List.of(1L));
  }

  void release(Uaid uaid, long number) throws IOException {
    run("release", uaid, name, number);
  }

  /** Whether the channel is there now. */
  boolean register(Uaid uaid, ChannelId channelId, int maxChannels) throws IOException {
    return run(
            "register", uaid, LEASE, 0, Ids.bytes(channelId), Ids.spelling(channelId), maxChannels)
        .equals(List.of(1L));
  }

  void unregister(Uaid uaid, ChannelId channelId) throws IOException {
    run("unregister", uaid, LEASE, 0, Ids.bytes(channelId));
  }

  void drop(Uaid uaid) throws IOException {
    run("drop", uaid);
  }

  /** Publishes the next version; empty if there is no such channel. */
  Optional<Long> advanceToNext(Uaid uaid, ChannelId channelId) throws IOException {
    List<Object> reply = run("advance", uaid, Ids.bytes(channelId), 0, Ids.usual(channelId), 1);
    return reply.equals(List.of(0L))
        ? Optional.empty()
        : Optional.of(Ids.number((byte[]) reply.get(1)));
  }

  void acknowledge(Uaid uaid, Update update) throws IOException {
    run("acknowledge", uaid, LEASE, 0, Ids.bytes(update.channelId()), update.version());
  }

  /**
   * The next hint, as {@link ReceivedHints} writes it. Those that this version does not know it
   * passed over, and one that it did not understand it warned of.
   */
  String next() throws InterruptedException {
    String[] parts = heard.poll(60, SECONDS).split(" ", -1);
    if (parts.length == 4 && parts[0].equals("p")) {
      return ReceivedHints.published(
          Uaid.parse(parts[1]), ChannelId.parse(parts[3]).text(), Long.parseLong(parts[2]));
    }
    if (parts.length == 3 && parts[0].equals("d")) {
      return ReceivedHints.displacedHint(Uaid.parse(parts[1]), Long.parseLong(parts[2]));
    }
    return next();
  }

  @Override
  public void close() {
    connection.close();
    client.shutdown();
  }
}
