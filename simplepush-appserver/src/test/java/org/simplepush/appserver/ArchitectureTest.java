package org.simplepush.appserver;

import static com.tngtech.archunit.base.DescribedPredicate.anyElementThat;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "org.simplepush.appserver", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule dependsOnCoreAndOkHttpOnly =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "org.simplepush.appserver..",
              "org.simplepush.core..",
              "okhttp3..",
              "okio..",
              "kotlin..", // supertypes in OkHttp's signatures
              "org.slf4j..",
              "io.micrometer..", // optional
              "org.jspecify..",
              "java..",
              "javax.net..",
              "javax.crypto..",
              "javax.sql..");

  @ArchTest
  static final ArchRule publicTypesShowNoHttpLibrary =
      methods()
          .that()
          .arePublic()
          .and()
          .areDeclaredInClassesThat()
          .arePublic()
          .should()
          .notHaveRawReturnType(resideInAPackage("okhttp3.."))
          .andShould()
          .notHaveRawParameterTypes(anyElementThat(resideInAPackage("okhttp3..")));
}
