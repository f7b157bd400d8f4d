package org.simplepush.examples.standalone;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;

/**
 * What the files of a certificate and its key held when they were read.
 *
 * @param keyIsOpen whether every user of the machine could read the key
 */
record TlsFiles(
    Path certificate, String certificatePem, Path key, String keyPem, boolean keyIsOpen) {
  /** No chain and no key is longer. */
  private static final int MAX_BYTES = 1 << 20;

  /**
   * Reads them.
   *
   * @throws IOException with a sentence that says which file is wrong and how
   */
  static TlsFiles read(Path certificate, Path key) throws IOException {
    return new TlsFiles(
        certificate,
        read("--tls-cert", certificate),
        key,
        read("--tls-key", key),
        othersCanRead(key));
  }

  private static String read(String option, Path file) throws IOException {
    byte[] content;
    try (InputStream in = Files.newInputStream(file)) {
      content = in.readNBytes(MAX_BYTES + 1);
    } catch (NoSuchFileException e) {
      throw new IOException(option + " names " + file + ", which does not exist", e);
    } catch (IOException e) {
      throw new IOException(option + " names " + file + ", which cannot be read: " + e, e);
    }
    if (content.length > MAX_BYTES) {
      throw new IOException(option + " names " + file + ", which is over 1 MB: no PEM file is");
    }
    return new String(content, StandardCharsets.ISO_8859_1); // PEM is ASCII
  }

  /** Whether others hold the same. */
  boolean hold(TlsFiles other) {
    return certificatePem.equals(other.certificatePem) && keyPem.equals(other.keyPem);
  }

  private static boolean othersCanRead(Path file) throws IOException {
    return file.getFileSystem().supportedFileAttributeViews().contains("posix")
        && Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ);
  }
}
