package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.UUID;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;

/** How ids look in Redis. */
final class Ids {
  private static final HexFormat HEX = HexFormat.of();

  private Ids() {}

  /** A name that nobody else has. */
  static String random() {
    return hex(UUID.randomUUID());
  }

  private static String hex(UUID id) {
    return HEX.toHexDigits(id.getMostSignificantBits())
        + HEX.toHexDigits(id.getLeastSignificantBits());
  }

  /** Where everything of a user agent is. */
  static byte[] key(Uaid uaid) {
    return ("simplepush:" + hex(uaid.value())).getBytes(US_ASCII);
  }

  /** Where the key record is; shorter than the key of any user agent. */
  static byte[] keyRecord() {
    return "simplepush:keys".getBytes(US_ASCII);
  }

  /** Where nodes agree on who drops user agents that are not seen. */
  static byte[] sweep() {
    return "simplepush:sweep".getBytes(US_ASCII);
  }

  static byte[] bytes(ChannelId channelId) {
    UUID id = channelId.value();
    return ByteBuffer.allocate(16)
        .putLong(id.getMostSignificantBits())
        .putLong(id.getLeastSignificantBits())
        .array();
  }

  /** Empty if the id is written in the usual way. */
  static byte[] spelling(ChannelId channelId) {
    String text = channelId.text();
    return text.equals(usual(channelId)) ? new byte[0] : (":" + text).getBytes(US_ASCII);
  }

  static String usual(ChannelId channelId) {
    return channelId.value().toString();
  }

  /** The id with these bytes and this spelling, which is empty if it is the usual one. */
  static ChannelId channelId(byte[] bytes, byte[] spelling) {
    if (spelling.length > 0) {
      return ChannelId.parse(new String(spelling, US_ASCII));
    }
    ByteBuffer id = ByteBuffer.wrap(bytes);
    return ChannelId.of(new UUID(id.getLong(), id.getLong()));
  }

  static byte[] ascii(String text) {
    return text.getBytes(US_ASCII);
  }

  static byte[] number(long number) {
    return Long.toString(number).getBytes(US_ASCII);
  }

  static long number(byte[] digits) {
    return Long.parseLong(new String(digits, US_ASCII));
  }
}
