package org.simplepush.core;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ClientMessage.Ack;
import org.simplepush.core.ClientMessage.MobileNetwork;
import org.simplepush.core.ClientMessage.WakeUpAddress;
import org.simplepush.core.MalformedMessageException.Severity;

/**
 * The fields of one JSON object, gathered in one pass because {@code messageType} may come last. A
 * field of the wrong type only matters to a message that needs it, so it is noted here and reported
 * when asked for. Hints are needed by no message: one of the wrong type counts as absent.
 */
final class MessageFields {
  /** Stands for a value that is there but of the wrong type. */
  private static final Object ILL_TYPED = new Object();

  /** Stands for a JSON null, which means the same as no field but counts as one of the name. */
  private static final Object NULL = new Object();

  /** How many characters of what was sent errors repeat (protocol §7). */
  private static final int MAX_ECHO = 64;

  private boolean empty = true;
  private @Nullable Object messageType;
  private @Nullable Object uaid;
  private @Nullable Object channelId;
  private @Nullable Object channelIds;
  private @Nullable Object updates;

  /** The codes of the updates read so far; null as long as all of them are HANDLED. */
  private @Nullable List<Integer> codes;

  private @Nullable Object status;
  private @Nullable Object pushEndpoint;
  private @Nullable Object redirect;
  private @Nullable Object error;
  private @Nullable Object wakeUp;
  private @Nullable Object mobileNetwork;

  /** Reads the object whose opening brace is the parser's current token. */
  static MessageFields read(JsonParser parser) throws IOException {
    MessageFields fields = new MessageFields();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      fields.empty = false;
      String name = parser.currentName();
      parser.nextToken();
      switch (name) {
        case "messageType" -> fields.messageType = once(fields.messageType, text(parser));
        case "uaid" -> fields.uaid = once(fields.uaid, text(parser));
        case "channelID" -> fields.channelId = once(fields.channelId, text(parser));
        case "channelIDs" -> fields.channelIds = once(fields.channelIds, channelIds(parser));
        case "updates" -> fields.updates = once(fields.updates, fields.updates(parser));
        case "status" -> fields.status = once(fields.status, integer(parser));
        case "pushEndpoint" -> fields.pushEndpoint = once(fields.pushEndpoint, text(parser));
        case "redirect" -> fields.redirect = once(fields.redirect, text(parser));
        case "error" -> fields.error = once(fields.error, text(parser));
        case "wakeup_hostport" -> fields.wakeUp = once(fields.wakeUp, wakeUp(parser));
        case "mobilenetwork" -> fields.mobileNetwork = once(fields.mobileNetwork, network(parser));
        default -> parser.skipChildren();
      }
    }
    return fields;
  }

  /** A field given twice has no meaning; taking either would be a guess. */
  private static Object once(@Nullable Object before, Object now) {
    return before == null ? now : ILL_TYPED;
  }

  /** Returns a String, NULL or ILL_TYPED. */
  private static Object text(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case VALUE_STRING -> parser.getText();
      case VALUE_NULL -> NULL;
      default -> illTyped(parser);
    };
  }

  private static Object illTyped(JsonParser parser) throws IOException {
    parser.skipChildren();
    return ILL_TYPED;
  }

  /** Returns an Integer or ILL_TYPED. */
  private static Object integer(JsonParser parser) throws IOException {
    if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT
        && parser.getNumberType() == JsonParser.NumberType.INT) {
      return parser.getIntValue();
    }
    return illTyped(parser);
  }

  /** Returns a Long of 0 or more, from a number or a string of digits, or ILL_TYPED. */
  private static Object number(JsonParser parser) throws IOException {
    JsonToken token = parser.currentToken();
    if (token == JsonToken.VALUE_NUMBER_INT || token == JsonToken.VALUE_STRING) {
      Long number = Update.parseVersion(parser.getText());
      return number == null ? ILL_TYPED : number;
    }
    return illTyped(parser);
  }

  /** Returns a List of ChannelId, NULL or ILL_TYPED. */
  private static Object channelIds(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      return parser.currentToken() == JsonToken.VALUE_NULL ? NULL : illTyped(parser);
    }
    List<ChannelId> ids = new ArrayList<>();
    boolean wellTyped = true;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      Object text = text(parser);
      ChannelId id = text instanceof String string ? ChannelId.parseOrNull(string) : null;
      if (id == null) {
        wellTyped = false; // read on, to get past the array
      } else {
        ids.add(id);
      }
    }
    return wellTyped ? ids : ILL_TYPED;
  }

  /** Returns a List of Update or ILL_TYPED; notes the codes. */
  private Object updates(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      return illTyped(parser);
    }
    List<Update> updates = new ArrayList<>();
    boolean wellTyped = true;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      Update update = null;
      if (parser.currentToken() == JsonToken.START_OBJECT) {
        update = update(parser, updates.size());
      } else {
        parser.skipChildren();
      }
      if (update == null) {
        wellTyped = false;
      } else {
        updates.add(update);
      }
    }
    return wellTyped ? updates : ILL_TYPED;
  }

  private @Nullable Update update(JsonParser parser, int index) throws IOException {
    Object channelId = null;
    Object version = null;
    Object code = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      parser.nextToken();
      switch (name) {
        case "channelID" -> channelId = once(channelId, text(parser));
        case "version" -> version = once(version, number(parser));
        case "code" -> code = once(code, integer(parser));
        default -> parser.skipChildren();
      }
    }
    note(code instanceof Integer number ? number : Ack.HANDLED, index);
    ChannelId id = channelId instanceof String text ? ChannelId.parseOrNull(text) : null;
    return id != null && version instanceof Long number ? new Update(id, number) : null;
  }

  private void note(int code, int index) {
    if (codes == null) {
      if (code == Ack.HANDLED) {
        return; // as nearly always: costs no list
      }
      codes = new ArrayList<>(Collections.nCopies(index, Ack.HANDLED));
    }
    codes.add(code);
  }

  /** Returns a WakeUpAddress or ILL_TYPED. */
  private static Object wakeUp(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      return illTyped(parser);
    }
    Object ip = null;
    Object port = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      parser.nextToken();
      switch (name) {
        case "ip" -> ip = once(ip, text(parser));
        case "port" -> port = once(port, number(parser));
        default -> parser.skipChildren();
      }
    }
    return ip instanceof String address
            && port instanceof Long number
            && number > 0
            && number <= 65535
        ? new WakeUpAddress(address, number.intValue())
        : ILL_TYPED;
  }

  /** Returns a MobileNetwork or ILL_TYPED. */
  private static Object network(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      return illTyped(parser);
    }
    Object mcc = null;
    Object mnc = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      parser.nextToken();
      switch (name) {
        case "mcc" -> mcc = once(mcc, code(parser, 3));
        case "mnc" -> mnc = once(mnc, code(parser, 2));
        default -> parser.skipChildren();
      }
    }
    return mcc instanceof String country && mnc instanceof String network
        ? new MobileNetwork(country, network)
        : ILL_TYPED;
  }

  /**
   * Returns a String, NULL or ILL_TYPED. A number has lost its leading zeros: it gets back what the
   * shortest code has.
   */
  private static Object code(JsonParser parser, int digits) throws IOException {
    if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
      return text(parser);
    }
    Long code = Update.parseVersion(parser.getText());
    return code == null ? ILL_TYPED : String.format(Locale.ROOT, "%0" + digits + "d", code);
  }

  /** Whether the object was <code>{}</code>. */
  boolean isEmpty() {
    return empty;
  }

  /** Whether the type is this one, given in lower case. */
  boolean isOfType(String type) {
    return messageType instanceof String text && text.toLowerCase(Locale.ROOT).equals(type);
  }

  /** Returns the type in lower case. */
  String messageType() throws MalformedMessageException {
    if (messageType instanceof String text) {
      return text.toLowerCase(Locale.ROOT);
    }
    throw unknownType("messageType is missing or not a string");
  }

  /**
   * Returns the UAID of a hello. One that is not a UUID counts as none (protocol §2), one that is
   * not a string does not.
   */
  @Nullable Uaid uaidOrNull() throws MalformedMessageException {
    if (uaid == null || uaid == NULL) {
      return null;
    }
    if (uaid instanceof String text) {
      return Uaid.parseOrNull(text);
    }
    boolean hasChannelIds = channelIds != null && channelIds != NULL;
    throw malformed(
        hasChannelIds ? Severity.BAD_CONTENT : Severity.UNANSWERED, "uaid is not a string");
  }

  /** Returns the UAID of the answer to a hello. */
  Uaid uaid() throws MalformedMessageException {
    Uaid parsed = uaid instanceof String text ? Uaid.parseOrNull(text) : null;
    if (parsed == null) {
      throw badContent("uaid is missing or not a UUID");
    }
    return parsed;
  }

  ChannelId channelId() throws MalformedMessageException {
    ChannelId id = channelId instanceof String text ? ChannelId.parseOrNull(text) : null;
    if (id == null) {
      throw badContent("channelID is missing or not a UUID");
    }
    return id;
  }

  @Nullable List<ChannelId> channelIds() throws MalformedMessageException {
    String sentence = "channelIDs is not an array of UUIDs";
    @SuppressWarnings("unchecked") // no other list is ever put there
    List<ChannelId> ids = optional(channelIds, List.class, sentence);
    return ids;
  }

  List<Update> updates() throws MalformedMessageException {
    String sentence = "updates is not an array of a channelID (UUID) and a version (0 … 2^63-1)";
    @SuppressWarnings("unchecked") // no other list is ever put there
    List<Update> list = optional(updates, List.class, sentence);
    if (list == null) {
      throw badContent(sentence);
    }
    return list;
  }

  /** Returns the codes of the updates; empty if all were handled. */
  List<Integer> codes() {
    return codes == null ? List.of() : codes;
  }

  /** Returns where the device can be woken, or null if it does not say so in a usable way. */
  @Nullable WakeUpAddress wakeUp() {
    return wakeUp instanceof WakeUpAddress address ? address : null;
  }

  /** Returns the network the device is in, or null if it does not say so in a usable way. */
  @Nullable MobileNetwork mobileNetwork() {
    return mobileNetwork instanceof MobileNetwork network ? network : null;
  }

  /** Returns the status, 200 if there is none. */
  int status() throws MalformedMessageException {
    Integer number = optional(status, Integer.class, "status is not an integer");
    return number == null ? 200 : number;
  }

  String pushEndpoint() throws MalformedMessageException {
    return required(pushEndpoint, "pushEndpoint is missing or not a string");
  }

  String redirect() throws MalformedMessageException {
    return required(redirect, "redirect is missing or not a string");
  }

  /** Returns the server's failure that this message reports. */
  ServerMessage.Failure toFailure(int failure) {
    return new ServerMessage.Failure(
        asSent(messageType),
        asSent(channelId),
        failure,
        error instanceof String text ? text : "status " + failure);
  }

  private String required(@Nullable Object value, String sentence)
      throws MalformedMessageException {
    if (value instanceof String text) {
      return text;
    }
    throw badContent(sentence);
  }

  private <T> @Nullable T optional(@Nullable Object value, Class<T> type, String sentence)
      throws MalformedMessageException {
    if (value == null || value == NULL) {
      return null;
    }
    if (!type.isInstance(value)) {
      throw badContent(sentence);
    }
    return type.cast(value);
  }

  MalformedMessageException badContent(String sentence) {
    return malformed(Severity.BAD_CONTENT, sentence);
  }

  MalformedMessageException unknownType(String sentence) {
    return malformed(Severity.UNKNOWN_TYPE, sentence);
  }

  private MalformedMessageException malformed(Severity severity, String sentence) {
    return new MalformedMessageException(
        severity, asSent(messageType), asSent(channelId), sentence);
  }

  /** What a peer may hear again of what it sent: the beginning, or it could make us hold it all. */
  private static @Nullable String asSent(@Nullable Object value) {
    if (!(value instanceof String text)) {
      return null;
    }
    if (text.length() <= MAX_ECHO) {
      return text;
    }
    boolean splitsPair = Character.isHighSurrogate(text.charAt(MAX_ECHO - 1));
    return text.substring(0, splitsPair ? MAX_ECHO - 1 : MAX_ECHO);
  }
}
