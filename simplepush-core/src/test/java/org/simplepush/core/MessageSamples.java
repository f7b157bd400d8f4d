package org.simplepush.core;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.simplepush.core.ClientMessage.MobileNetwork;
import org.simplepush.core.ClientMessage.WakeUpAddress;

/** Makes random messages, always the same ones for the same seed. */
final class MessageSamples {
  private final Random random;

  MessageSamples(long seed) {
    this.random = new Random(seed);
  }

  List<ClientMessage> oneOfEachClientMessage() {
    List<ClientMessage> messages = new ArrayList<>();
    for (ClientMessage.Type type : ClientMessage.Type.values()) {
      messages.add(clientMessage(type));
    }
    return messages;
  }

  List<ServerMessage> oneOfEachServerMessage() {
    List<ServerMessage> messages = new ArrayList<>();
    for (ServerMessage.Type type : ServerMessage.Type.values()) {
      messages.add(serverMessage(type));
    }
    return messages;
  }

  ClientMessage clientMessage() {
    return clientMessage(pick(ClientMessage.Type.values()));
  }

  private ClientMessage clientMessage(ClientMessage.Type type) {
    return switch (type) {
      case HELLO ->
          new ClientMessage.Hello(
              orNull(() -> Uaid.parse(id())),
              orNull(() -> some(this::channelId)),
              orNull(() -> new WakeUpAddress(text(), 1 + random.nextInt(65_535))),
              orNull(() -> new MobileNetwork(text(), text())));
      case REGISTER -> new ClientMessage.Register(channelId());
      case UNREGISTER -> new ClientMessage.Unregister(channelId());
      case ACK -> {
        List<Update> updates = some(this::update);
        List<Integer> codes = updates.stream().map(update -> pick(100, 101, 102, -1)).toList();
        yield new ClientMessage.Ack(updates, random.nextBoolean() ? codes : List.of());
      }
      case NACK -> new ClientMessage.Nack();
      case PING -> new ClientMessage.Ping();
      case IGNORED -> new ClientMessage.Ignored(pick("purge", "broadcast_subscribe"));
    };
  }

  ServerMessage serverMessage() {
    return serverMessage(pick(ServerMessage.Type.values()));
  }

  private ServerMessage serverMessage(ServerMessage.Type type) {
    return switch (type) {
      case HELLO -> new ServerMessage.Hello(Uaid.parse(id()), random.nextBoolean());
      case REDIRECT -> new ServerMessage.Redirect(uri("wss"));
      case REGISTER -> new ServerMessage.Register(channelId(), uri("https"));
      case UNREGISTER -> new ServerMessage.Unregister(channelId());
      case NOTIFICATION -> new ServerMessage.Notification(some(this::update));
      case PING -> new ServerMessage.Ping();
      case FAILURE ->
          new ServerMessage.Failure(
              orNull(this::text),
              orNull(this::text),
              pick(401, 409, 429, 500, 503, 404, 0, -1, Integer.MAX_VALUE),
              text());
    };
  }

  @SafeVarargs
  private <T> T pick(T... values) {
    return values[random.nextInt(values.length)];
  }

  private <T> T orNull(Supplier<T> value) {
    return random.nextInt(4) == 0 ? null : value.get();
  }

  private <T> List<T> some(Supplier<T> element) {
    return Stream.generate(element).limit(random.nextInt(5)).toList();
  }

  private ChannelId channelId() {
    return ChannelId.parse(id());
  }

  private Update update() {
    long version = random.nextLong() >>> (1 + random.nextInt(63));
    return new Update(channelId(), random.nextInt(8) == 0 ? Long.MAX_VALUE : version);
  }

  private String id() {
    String id = new UUID(random.nextLong(), random.nextLong()).toString();
    return switch (random.nextInt(5)) {
      case 0 -> id.toUpperCase(Locale.ROOT);
      case 1 -> id.replace("-", "");
      case 2 -> id.replace("-", "").toUpperCase(Locale.ROOT);
      case 3 -> id.substring(0, 20).toUpperCase(Locale.ROOT) + id.substring(20);
      default -> id;
    };
  }

  private URI uri(String scheme) {
    return URI.create(
        scheme + "://push.example:" + random.nextInt(65_536) + "/update/" + id() + "?a=%20~#b");
  }

  /** Any text at all, well-formed or not. */
  private String text() {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(12); i > 0; i--) {
      switch (random.nextInt(6)) {
        case 0 -> text.append((char) random.nextInt(0x10000));
        case 1 -> text.append(pick('"', '\\', '/', '\u0000', '\u001f', '\u007f', '\u2028'));
        case 2 -> text.appendCodePoint(random.nextInt(0x110000));
        default -> text.append((char) (' ' + random.nextInt(95)));
      }
    }
    return text.toString();
  }
}
