package org.simplepush.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A file that is replaced whole: a reader finds the old or the new state, never half of one. */
final class FileDeviceStorage implements DeviceStorage {
  private final Path file;
  private final Path next;
  private final Path lockFile;
  private final FileAttribute<?>[] ownerOnly;
  private @Nullable FileChannel lock; // guarded by this

  FileDeviceStorage(Path file) {
    this.file = file.toAbsolutePath();
    this.next = this.file.resolveSibling(this.file.getFileName() + ".new");
    this.lockFile = this.file.resolveSibling(this.file.getFileName() + ".lock");
    if (this.file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Set<PosixFilePermission> permissions = PosixFilePermissions.fromString("rw-------");
      ownerOnly = new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)};
    } else {
      ownerOnly = new FileAttribute<?>[0];
    }
  }

  /** Names the file, and nothing that is in it. */
  @Override
  public String toString() {
    return file.toString();
  }

  @Override
  public synchronized @Nullable String load() throws IOException {
    lock();
    try {
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      return null;
    } catch (CharacterCodingException e) {
      throw new IOException(
          "The device's state cannot be read from " + file + ": it is not text", e);
    } catch (IOException e) {
      // Its own message may be a path and nothing else, or lack the path.
      throw new IOException("The device's state cannot be read from " + file + ": " + e, e);
    }
  }

  /** The system takes the lock back when the process dies, however that is. */
  private void lock() throws IOException {
    if (lock != null) {
      throw inUse();
    }
    Path directory = file.getParent();
    if (directory != null && !Files.isDirectory(directory)) {
      throw new IOException("The folder " + directory + " of the device's state does not exist");
    }
    FileChannel channel =
        FileChannel.open(
            lockFile, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), ownerOnly);
    FileLock held = null;
    try {
      held = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      throw inUse();
    } finally {
      if (held == null) {
        channel.close();
      }
    }
    if (held == null) {
      throw inUse();
    }
    lock = channel;
  }

  private IOException inUse() {
    return new IOException(
        "The state in " + file + " is used by another device; each device needs a file of its own");
  }

  @Override
  public synchronized void save(String state) throws IOException {
    Files.deleteIfExists(next); // from a process that died; its permissions may not be ours
    try (FileChannel channel =
        FileChannel.open(
            next, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), ownerOnly)) {
      ByteBuffer bytes = ByteBuffer.wrap(state.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
    forceDirectory();
  }

  /** Makes the rename itself durable, where a directory can be opened at all (not on Windows). */
  private void forceDirectory() throws IOException {
    Path directory = file.getParent();
    if (directory != null && ownerOnly.length > 0) {
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  @Override
  public synchronized void release() throws IOException {
    if (lock != null) {
      lock.close();
      lock = null;
    }
  }
}
