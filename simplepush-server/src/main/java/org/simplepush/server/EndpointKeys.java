package org.simplepush.server;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.simplepush.server.internal.EndpointTokens;
import org.simplepush.server.internal.keys.KeyFile;

/**
 * Secret keys of endpoint tokens (protocol §8) that the operator hands in, because the store does
 * not last or is not to hold them. The first key issues, all verify: to rotate, add a new key at
 * the end on every server, then put it in front, and take an old one out when its endpoints shall
 * die. Immutable.
 *
 * @since 0.1
 */
public final class EndpointKeys {
  /** Bytes in a key: AES-SIV with two AES-256 keys. */
  public static final int KEY_LENGTH = EndpointTokens.KEY_LENGTH;

  private final List<byte[]> keys;

  private EndpointKeys(List<byte[]> keys) {
    this.keys = keys;
  }

  /**
   * Returns one random key that dies with this process, and with it every endpoint it issued. For
   * tests: a store that lasts is of no use to the next process then.
   */
  public static EndpointKeys ephemeral() {
    return new EndpointKeys(List.of(EndpointTokens.randomKey()));
  }

  /**
   * Returns these keys.
   *
   * @throws IllegalArgumentException if there is none, or one is not {@value #KEY_LENGTH} bytes
   */
  public static EndpointKeys of(List<byte[]> keys) {
    if (keys.isEmpty()) {
      throw new IllegalArgumentException("At least one endpoint key is needed, to issue endpoints");
    }
    List<byte[]> copies = new ArrayList<>();
    for (byte[] key : keys) {
      if (key.length != KEY_LENGTH) {
        throw new IllegalArgumentException(
            "An endpoint key is " + KEY_LENGTH + " bytes, but one of " + key.length + " was given");
      }
      copies.add(key.clone());
    }
    return new EndpointKeys(copies);
  }

  /**
   * Reads a key file: one key a line, in Base64; empty lines and lines that start with {@code #}
   * are passed over. If others than the owner and the group may read or write it, a warning is
   * logged. A missing file is not made here, for that may cost all endpoints: see {@link
   * PushServer.Builder#keyFile}.
   *
   * @throws EndpointKeysException if the file cannot be read or a line is not a key
   */
  public static EndpointKeys load(Path file) throws EndpointKeysException {
    return new EndpointKeys(KeyFile.read(file));
  }

  /** Returns the keys, the issuing one first; not copies. */
  List<byte[]> keys() {
    return keys;
  }

  /** Says how many keys there are, and nothing of them. */
  @Override
  public String toString() {
    return "EndpointKeys[" + keys.size() + "]";
  }
}
