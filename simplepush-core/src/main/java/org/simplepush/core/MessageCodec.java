package org.simplepush.core;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.simplepush.core.MalformedMessageException.Severity;
import org.simplepush.core.internal.Checks;

/**
 * Reads and writes messages as they travel: one JSON object per WebSocket text message (protocol
 * §1). Strict about types, tolerant of unknown fields. Safe for use by many threads.
 *
 * @since 0.1
 */
public final class MessageCodec {
  /** The WebSocket subprotocol whose messages these are. */
  public static final String SUBPROTOCOL = "push-notification";

  /** The default limit on a message: 64 KiB. */
  public static final int DEFAULT_MAX_MESSAGE_LENGTH = 64 * 1024;

  /** Deeper than any message of this protocol or its dialects, and far from a stack's limit. */
  private static final int MAX_NESTING = 32;

  private static final int MAX_NUMBER_LENGTH = 64;

  private final JsonFactory json;
  private final int maxLength;

  /** A codec with the default limit. */
  public MessageCodec() {
    this(DEFAULT_MAX_MESSAGE_LENGTH);
  }

  /**
   * A codec that refuses to read messages of more than {@code maxLength} characters.
   *
   * @param maxLength the limit, in characters of a Java string
   * @throws IllegalArgumentException if {@code maxLength} is not positive
   */
  public MessageCodec(int maxLength) {
    this.maxLength = Checks.positive("maxLength", maxLength);
    this.json =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_NESTING)
                    .maxNumberLength(MAX_NUMBER_LENGTH)
                    .maxStringLength(maxLength)
                    .maxNameLength(maxLength)
                    .build())
            // Names come from strangers: interning or remembering them would let them fill memory.
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(StreamWriteFeature.AUTO_CLOSE_TARGET)
            .build();
  }

  /**
   * Reads what a user agent said.
   *
   * @param text one WebSocket text message
   * @return the message
   * @throws MalformedMessageException if it said nothing this protocol knows
   */
  public ClientMessage readClientMessage(String text) throws MalformedMessageException {
    MessageFields fields = fields(text);
    if (fields.isEmpty()) {
      return new ClientMessage.Ping();
    }
    String type = fields.messageType();
    return switch (type) {
      case "hello" ->
          new ClientMessage.Hello(
              fields.uaidOrNull(), fields.channelIds(), fields.wakeUp(), fields.mobileNetwork());
      case "register" -> new ClientMessage.Register(fields.channelId());
      case "unregister" -> new ClientMessage.Unregister(fields.channelId());
      case "ack" -> new ClientMessage.Ack(fields.updates(), fields.codes());
      case "nack" -> new ClientMessage.Nack();
      case "ping" -> new ClientMessage.Ping();
      case "purge", "broadcast_subscribe" -> new ClientMessage.Ignored(type);
      default -> throw fields.unknownType("messageType is not one of this protocol");
    };
  }

  /**
   * Reads what a push server said.
   *
   * @param text one WebSocket text message
   * @return the message
   * @throws MalformedMessageException if it said nothing this protocol knows
   */
  public ServerMessage readServerMessage(String text) throws MalformedMessageException {
    MessageFields fields = fields(text);
    if (fields.isEmpty()) {
      return new ServerMessage.Ping();
    }
    int status = fields.status();
    if (status < 200 || status > 299) {
      return status == 307 && fields.isOfType("hello")
          ? new ServerMessage.Redirect(uri(fields, fields.redirect(), "redirect"))
          : fields.toFailure(status);
    }
    return switch (fields.messageType()) {
      case "hello" -> new ServerMessage.Hello(fields.uaid(), status == 201);
      case "register" ->
          new ServerMessage.Register(
              fields.channelId(), uri(fields, fields.pushEndpoint(), "pushEndpoint"));
      case "unregister" -> new ServerMessage.Unregister(fields.channelId());
      case "notification" -> new ServerMessage.Notification(fields.updates());
      case "ping" -> new ServerMessage.Ping();
      default -> throw fields.unknownType("messageType is not one of this protocol");
    };
  }

  private static URI uri(MessageFields fields, String text, String field)
      throws MalformedMessageException {
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException e) {
      // The exception quotes its input, and an endpoint is a secret: say only which field it was.
      throw fields.badContent(field + " is not a URI");
    }
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      // Half a surrogate pair: java.net.URI takes it, no file can keep it.
      throw fields.badContent(field + " is not a URI");
    }
    if (!uri.isAbsolute()) {
      throw fields.badContent(field + " is not an absolute URI");
    }
    return uri;
  }

  private MessageFields fields(String text) throws MalformedMessageException {
    if (text.length() > maxLength) {
      throw notAMessage("the message is longer than " + maxLength + " characters");
    }
    try (JsonParser parser = json.createParser(text)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw notAMessage("the message is not a JSON object");
      }
      MessageFields fields = MessageFields.read(parser);
      if (parser.nextToken() != null) {
        throw notAMessage("something follows the JSON object");
      }
      return fields;
    } catch (IOException e) {
      throw notAMessage("the message is not JSON within sane limits" + place(e));
    }
  }

  /** Where the parser stopped; its own message would quote what it found there. */
  private static String place(IOException e) {
    JsonLocation location = e instanceof JacksonException parsing ? parsing.getLocation() : null;
    return location == null ? "" : ", at character " + location.getCharOffset();
  }

  private static MalformedMessageException notAMessage(String sentence) {
    return new MalformedMessageException(Severity.NOT_A_MESSAGE, null, null, sentence);
  }

  /**
   * Returns the message as it travels.
   *
   * @param message what to say
   * @return one WebSocket text message
   */
  public String write(ClientMessage message) {
    return write(
        generator -> {
          switch (message.type()) {
            case HELLO -> writeHello(generator, (ClientMessage.Hello) message);
            case REGISTER -> {
              generator.writeStringField("messageType", "register");
              writeChannelId(generator, ((ClientMessage.Register) message).channelId());
            }
            case UNREGISTER -> {
              generator.writeStringField("messageType", "unregister");
              writeChannelId(generator, ((ClientMessage.Unregister) message).channelId());
            }
            case ACK -> {
              generator.writeStringField("messageType", "ack");
              ClientMessage.Ack ack = (ClientMessage.Ack) message;
              writeUpdates(generator, ack.updates(), ack.codes());
            }
            case NACK -> generator.writeStringField("messageType", "nack");
            case PING -> {} // a ping is the empty object
            case IGNORED ->
                generator.writeStringField(
                    "messageType", ((ClientMessage.Ignored) message).messageType());
          }
        });
  }

  private static void writeHello(JsonGenerator generator, ClientMessage.Hello hello)
      throws IOException {
    generator.writeStringField("messageType", "hello");
    Uaid uaid = hello.uaid();
    generator.writeStringField("uaid", uaid == null ? "" : uaid.text());
    List<ChannelId> channelIds = hello.channelIds();
    if (channelIds != null) {
      generator.writeArrayFieldStart("channelIDs");
      for (ChannelId channelId : channelIds) {
        generator.writeString(channelId.text());
      }
      generator.writeEndArray();
    }
    ClientMessage.WakeUpAddress wakeUp = hello.wakeUp();
    if (wakeUp != null) {
      generator.writeObjectFieldStart("wakeup_hostport");
      generator.writeStringField("ip", wakeUp.ip());
      generator.writeNumberField("port", wakeUp.port());
      generator.writeEndObject();
    }
    ClientMessage.MobileNetwork network = hello.mobileNetwork();
    if (network != null) {
      generator.writeObjectFieldStart("mobilenetwork");
      generator.writeStringField("mcc", network.mcc());
      generator.writeStringField("mnc", network.mnc());
      generator.writeEndObject();
    }
  }

  /**
   * Returns the message as it travels.
   *
   * @param message what to say
   * @return one WebSocket text message
   */
  public String write(ServerMessage message) {
    return write(generator -> writeFields(generator, message));
  }

  /**
   * Writes the message as it travels, in UTF-8.
   *
   * @param message what to say
   * @param to where its bytes go; it is not closed
   * @throws IOException if {@code to} fails
   */
  public void write(ServerMessage message, OutputStream to) throws IOException {
    if (message.type() == ServerMessage.Type.FAILURE) {
      // It quotes what a stranger sent, perhaps half a surrogate pair: the generator would refuse
      // to encode that.
      to.write(write(message).getBytes(StandardCharsets.UTF_8));
      return;
    }
    try (JsonGenerator generator = json.createGenerator(to, JsonEncoding.UTF8)) {
      generator.writeStartObject();
      writeFields(generator, message);
      generator.writeEndObject();
    }
  }

  private static void writeFields(JsonGenerator generator, ServerMessage message)
      throws IOException {
    switch (message.type()) {
      case HELLO -> {
        ServerMessage.Hello hello = (ServerMessage.Hello) message;
        generator.writeStringField("messageType", "hello");
        generator.writeStringField("uaid", hello.uaid().text());
        generator.writeNumberField("status", hello.wakeUp() ? 201 : 200);
      }
      case REDIRECT -> {
        generator.writeStringField("messageType", "hello");
        generator.writeNumberField("status", 307);
        generator.writeStringField(
            "redirect", ((ServerMessage.Redirect) message).target().toString());
      }
      case REGISTER -> {
        ServerMessage.Register register = (ServerMessage.Register) message;
        generator.writeStringField("messageType", "register");
        generator.writeNumberField("status", 200);
        writeChannelId(generator, register.channelId());
        generator.writeStringField("pushEndpoint", register.endpoint().toString());
      }
      case UNREGISTER -> {
        generator.writeStringField("messageType", "unregister");
        writeChannelId(generator, ((ServerMessage.Unregister) message).channelId());
        generator.writeNumberField("status", 200);
      }
      case NOTIFICATION -> {
        generator.writeStringField("messageType", "notification");
        writeUpdates(generator, ((ServerMessage.Notification) message).updates(), List.of());
      }
      case PING -> {} // a ping is the empty object
      case FAILURE -> writeFailure(generator, (ServerMessage.Failure) message);
    }
  }

  private static void writeFailure(JsonGenerator generator, ServerMessage.Failure error)
      throws IOException {
    if (error.messageType() != null) {
      generator.writeStringField("messageType", error.messageType());
    }
    if (error.channelId() != null) {
      generator.writeStringField("channelID", error.channelId());
    }
    generator.writeNumberField("status", error.status());
    generator.writeStringField("error", error.error());
  }

  private static void writeChannelId(JsonGenerator generator, ChannelId channelId)
      throws IOException {
    generator.writeStringField("channelID", channelId.text());
  }

  private static void writeUpdates(
      JsonGenerator generator, List<Update> updates, List<Integer> codes) throws IOException {
    generator.writeArrayFieldStart("updates");
    for (int i = 0; i < updates.size(); i++) {
      Update update = updates.get(i);
      generator.writeStartObject();
      writeChannelId(generator, update.channelId());
      generator.writeNumberField("version", update.version());
      if (!codes.isEmpty()) {
        generator.writeNumberField("code", codes.get(i));
      }
      generator.writeEndObject();
    }
    generator.writeEndArray();
  }

  /** Writes the fields of one object. */
  private interface Body {
    void writeTo(JsonGenerator generator) throws IOException;
  }

  private String write(Body body) {
    StringWriter text = new StringWriter(128);
    try (JsonGenerator generator = json.createGenerator(text)) {
      generator.writeStartObject();
      body.writeTo(generator);
      generator.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("a StringWriter does not fail", e);
    }
    return text.toString();
  }
}
