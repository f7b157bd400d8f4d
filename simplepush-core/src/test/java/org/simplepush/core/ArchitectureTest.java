package org.simplepush.core;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasModifiers.Predicates.modifier;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.internal.DaemonThreads;

/** What core may use and what of it others may see. */
@Timeout(60)
class ArchitectureTest {
  private static JavaClasses core;
  private static ModuleDescriptor module;

  @BeforeAll
  static void readCompiledClasses() throws Exception {
    // Just the main classes: those of the tests are in the same packages.
    Path compiled =
        Path.of(MessageCodec.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    core = new ClassFileImporter().importPath(compiled);
    assertThat(core).isNotEmpty();
    assertThat(core.contain(ArchitectureTest.class)).isFalse();
    assertThat(compiled).isDirectory();
    module = read(compiled.resolve("module-info.class"));
  }

  private static ModuleDescriptor read(Path moduleInfo) throws IOException {
    try (InputStream in = Files.newInputStream(moduleInfo)) {
      return ModuleDescriptor.read(in);
    }
  }

  @Test
  void coreUsesTheJdkJacksonStreamingAndNullnessAnnotationsOnly() {
    classes()
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                "java..",
                "com.fasterxml.jackson.core..",
                "org.jspecify.annotations",
                "org.simplepush.core.."))
        .check(core);
  }

  @Test
  void moduleRequiresJavaBaseJacksonAndJspecifyOnly() {
    assertThat(module.requires())
        .extracting(ModuleDescriptor.Requires::name)
        .containsExactlyInAnyOrder("java.base", "com.fasterxml.jackson.core", "org.jspecify");
  }

  /** {@code DaemonThreads} makes threads for others, which start them. */
  @Test
  void coreOpensNoSocketStartsNoThreadAndPrintsNothing() {
    noClasses().should().callMethod(Thread.class, "start").check(core);
    noClasses()
        .that()
        .doNotBelongToAnyOf(DaemonThreads.class)
        .should()
        .dependOnClassesThat(
            resideInAnyPackage("java.net.http..", "java.nio.channels..", "javax.net.."))
        .orShould()
        .dependOnClassesThat()
        .belongToAnyOf(
            java.net.Socket.class,
            java.net.ServerSocket.class,
            java.net.DatagramSocket.class,
            Thread.class,
            java.util.concurrent.Executor.class,
            java.util.concurrent.Executors.class,
            java.util.Timer.class)
        .orShould()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .check(core);
  }

  @Test
  void publicTypesAreInExportedPackages() {
    Set<String> exported =
        module.exports().stream().map(ModuleDescriptor.Exports::source).collect(Collectors.toSet());
    classes()
        .that()
        .arePublic()
        .should()
        .resideInAnyPackage(exported.toArray(new String[0]))
        .check(core);
    assertThat(module.packages()).as("no package is hidden and forgotten").isEqualTo(exported);
  }

  @Test
  void internalsAreExportedToThisProjectOnly() {
    assertThat(module.exports())
        .filteredOn(ModuleDescriptor.Exports::isQualified)
        .singleElement()
        .satisfies(
            exports -> {
              assertThat(exports.source()).isEqualTo("org.simplepush.core.internal");
              assertThat(exports.targets()).allMatch(name -> name.startsWith("org.simplepush."));
            });
  }

  /** A type more is a promise more: whoever adds one does so here too. */
  @Test
  void publicTypesAreThese() {
    assertThat(
            core.stream()
                .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
                .filter(type -> type.getEnclosingClass().isEmpty())
                .map(type -> type.getName().substring("org.simplepush.core.".length())))
        .containsExactlyInAnyOrder(
            "ChannelId",
            "ClientMessage",
            "CloseCode",
            "DurableVersionStore",
            "InMemoryVersionStore",
            "MalformedMessageException",
            "MessageCodec",
            "ServerMessage",
            "SharedVersionStore",
            "StoreException",
            "Uaid",
            "Update",
            "VersionStore",
            "internal.Authority",
            "internal.Backoff",
            "internal.Checks",
            "internal.DaemonThreads",
            "internal.StoreArguments");
  }

  @Test
  void noTypeOfAnotherLibraryShowsInTheApi() {
    var ours =
        describe("of the JDK or of core", (JavaClass type) -> isOurs(type.getBaseComponentType()));
    methods()
        .that()
        .areDeclaredInClassesThat()
        .arePublic()
        .and(modifier(JavaModifier.PUBLIC))
        .should()
        .haveRawReturnType(ours)
        .andShould()
        .haveRawParameterTypes(
            describe(
                "of the JDK or of core",
                types -> types.stream().allMatch(ArchitectureTest::isOurs)))
        .check(core);
  }

  private static boolean isOurs(JavaClass type) {
    return type.getBaseComponentType().isPrimitive()
        || type.getBaseComponentType().getPackageName().startsWith("java.")
        || type.getBaseComponentType().getPackageName().startsWith("org.simplepush.core");
  }

  @Test
  void fieldsAreFinalOrHiddenFromOtherClasses() {
    fields()
        .that()
        .areNotPrivate()
        .and()
        .areDeclaredInClassesThat()
        .arePublic()
        .should()
        .beFinal()
        .check(core);
  }

  @Test
  void everyPackageIsNullMarked() {
    Set<String> packages =
        core.stream()
            .map(JavaClass::getPackageName)
            .filter(name -> !name.isEmpty())
            .collect(Collectors.toSet());
    assertThat(packages)
        .allSatisfy(
            name ->
                assertThat(core.getPackage(name).isAnnotatedWith(NullMarked.class))
                    .as(name)
                    .isTrue());
  }
}
