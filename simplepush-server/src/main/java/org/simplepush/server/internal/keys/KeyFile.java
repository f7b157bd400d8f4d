package org.simplepush.server.internal.keys;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.simplepush.server.EndpointKeysException;
import org.simplepush.server.internal.EndpointTokens;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A file with secret keys, one a line in Base64. */
public final class KeyFile {
  private static final Logger log = LoggerFactory.getLogger(KeyFile.class);

  /** What some editors put in front of a text. */
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private KeyFile() {}

  /**
   * Reads the keys, the issuing one first; warns if others than the owner and the group may read or
   * write them.
   *
   * @throws EndpointKeysException if the file cannot be read or a line is not a key
   */
  public static List<byte[]> read(Path file) throws EndpointKeysException {
    List<byte[]> keys = new ArrayList<>();
    int number = 0;
    for (String line : lines(file)) {
      number++;
      String text = line.strip();
      if (!text.isEmpty() && !text.startsWith("#")) {
        keys.add(decode(file, number, text));
      }
    }
    if (keys.isEmpty()) {
      throw new EndpointKeysException(
          "The key file " + file + " holds no key; remove it to have one made, or restore it");
    }
    warnIfPublic(file);
    return List.copyOf(keys);
  }

  private static List<String> lines(Path file) throws EndpointKeysException {
    try {
      String text = Files.readString(file, StandardCharsets.UTF_8);
      return text.substring(text.startsWith(BYTE_ORDER_MARK) ? 1 : 0).lines().toList();
    } catch (NoSuchFileException e) {
      throw new EndpointKeysException("The key file " + file + " does not exist", e);
    } catch (CharacterCodingException e) {
      throw new EndpointKeysException(
          "The key file " + file + " is not text; it holds keys in Base64, one a line", e);
    } catch (IOException e) {
      // Not its message, which may be a path and nothing else.
      throw new EndpointKeysException("The key file " + file + " cannot be read: " + e, e);
    }
  }

  private static byte[] decode(Path file, int number, String text) throws EndpointKeysException {
    byte[] key;
    try {
      key = Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      key = new byte[0];
    }
    if (key.length != EndpointTokens.KEY_LENGTH) {
      throw new EndpointKeysException(
          "Line %d of the key file %s is not a key, which is %d bytes in Base64 (%d characters)"
              .formatted(
                  number,
                  file,
                  EndpointTokens.KEY_LENGTH,
                  (EndpointTokens.KEY_LENGTH + 2) / 3 * 4));
    }
    return key;
  }

  private static void warnIfPublic(Path file) {
    Set<PosixFilePermission> permissions;
    try {
      permissions = Files.getPosixFilePermissions(file);
    } catch (IOException | UnsupportedOperationException e) {
      log.debug("Who may read the key file is not known", e);
      return;
    }
    if (permissions.contains(PosixFilePermission.OTHERS_READ)
        || permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
      log.warn(
          "The key file {} has mode {}, but is secret; set its mode to 600 (rw-------)",
          file,
          PosixFilePermissions.toString(permissions));
    }
  }

  /**
   * Makes a key file with one random key, readable by its owner only, if there is none.
   *
   * @throws EndpointKeysException if that cannot be done
   */
  public static void create(Path file) throws EndpointKeysException {
    String text =
        "# Endpoint keys: the first issues, all verify. Secret.\n"
            + Base64.getEncoder().encodeToString(EndpointTokens.randomKey())
            + "\n";
    // Written beside and moved into place: a crash leaves no half a key, and of two servers that
    // start together one wins and the other reads the winner's key.
    Path absolute = file.toAbsolutePath();
    Path folder = absolute.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new EndpointKeysException("The key file's folder " + folder + " does not exist");
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
      throw new EndpointKeysException("The key file " + file + " cannot be created: " + e, e);
    }
  }

  private static FileAttribute<?>[] ownerOnly(Path file) {
    if (!file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      return new FileAttribute<?>[0];
    }
    Set<PosixFilePermission> permissions = PosixFilePermissions.fromString("rw-------");
    return new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)};
  }
}
