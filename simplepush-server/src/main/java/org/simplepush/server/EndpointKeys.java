package org.simplepush.server;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;

/**
 * The secret keys of endpoint tokens (protocol §8). The first key issues, all verify: to rotate,
 * put a new key in front, and take an old one out when its endpoints shall die. Immutable.
 */
public final class EndpointKeys {
  /** Bytes in a key: AES-SIV with two AES-256 keys. */
  public static final int KEY_LENGTH = 64;

  private final List<byte[]> keys;

  private EndpointKeys(List<byte[]> keys) {
    this.keys = keys;
  }

  /** Returns one random key that dies with this process, and with it every endpoint it issued. */
  public static EndpointKeys ephemeral() {
    return new EndpointKeys(List.of(randomKey()));
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
   * are passed over. A missing file is created with one random key, readable by its owner only.
   *
   * @throws IOException if the file cannot be read or created, or a line is not a key
   */
  public static EndpointKeys load(Path file) throws IOException {
    if (Files.notExists(file)) {
      create(file);
    }
    List<byte[]> keys = new ArrayList<>();
    int number = 0;
    for (String line : read(file)) {
      number++;
      String text = line.strip();
      if (!text.isEmpty() && !text.startsWith("#")) {
        keys.add(decode(file, number, text));
      }
    }
    if (keys.isEmpty()) {
      throw new IOException(
          "The key file " + file + " holds no key; remove it to have one made, or restore it");
    }
    return new EndpointKeys(keys);
  }

  private static List<String> read(Path file) throws IOException {
    try {
      return Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (CharacterCodingException e) {
      throw new IOException(
          "The key file " + file + " is not text; it holds keys in Base64, one a line", e);
    } catch (IOException e) {
      // Not its message, which may be a path and nothing else.
      throw new IOException("The key file " + file + " cannot be read: " + e, e);
    }
  }

  private static byte[] decode(Path file, int number, String text) throws IOException {
    byte[] key;
    try {
      key = Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      key = new byte[0];
    }
    if (key.length != KEY_LENGTH) {
      throw new IOException(
          "Line %d of the key file %s is not a key, which is %d bytes in Base64 (%d characters)"
              .formatted(number, file, KEY_LENGTH, (KEY_LENGTH + 2) / 3 * 4));
    }
    return key;
  }

  private static void create(Path file) throws IOException {
    String text =
        "# Endpoint keys: the first issues, all verify. Secret.\n"
            + Base64.getEncoder().encodeToString(randomKey())
            + "\n";
    // Written beside and moved into place: a crash leaves no half a key, and of two servers that
    // start together one wins and the other reads the winner's key.
    Path absolute = file.toAbsolutePath();
    Path folder = absolute.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new IOException("The key file's folder " + folder + " does not exist");
    }
    try {
      Path temporary = Files.createTempFile(folder, ".keys", null, ownerOnly(absolute));
      try {
        Files.writeString(temporary, text, StandardOpenOption.SYNC);
        Files.createLink(absolute, temporary);
      } catch (FileAlreadyExistsException e) {
        return; // the other server won
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new IOException("The key file " + file + " cannot be created: " + e, e);
    }
  }

  private static FileAttribute<?>[] ownerOnly(Path file) {
    if (!file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      return new FileAttribute<?>[0];
    }
    Set<PosixFilePermission> permissions = PosixFilePermissions.fromString("rw-------");
    return new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)};
  }

  private static byte[] randomKey() {
    byte[] key = new byte[KEY_LENGTH];
    new SecureRandom().nextBytes(key);
    return key;
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
